package broker

import (
	"crypto/sha256"
	"crypto/tls"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/mqttpki/mqttpki/channels"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// pageStyle is the one thing besides text that the page's policy lets a browser use.
var pageStyle = func() string {
	_, rest, _ := strings.Cut(pageText, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// pageData is all that the status page tells: the listener, and what the visitor brought along.
type pageData struct {
	Listener string
	Path     string
	Version  string
	Cipher   string
	Policy   channels.ClientCertificate
	Client   *pageClient // nil without a certificate
	User     string      // "" when the certificate gives none here
	Why      string      // why it gives none
	Now      string
}

type pageClient struct {
	Subject, Issuer, Serial, Until string
}

// servePage answers with a small page without scripts. Browsers ask for the client's certificate only where there is
// something to look at, and then use it for WebSockets to the same port.
func (w *webServer) servePage(rw http.ResponseWriter, r *http.Request, k *link) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		rw.Header().Set("Allow", "GET, HEAD")
		http.Error(rw, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	model := w.l.model
	if p, ok := w.l.b.snapshot().listeners[model.Name]; ok {
		model = p.model
	}
	data := pageData{Listener: model.Name, Path: w.path, Policy: model.ClientCertificate,
		Now: w.l.b.opts.Now().UTC().Format(time.RFC3339)}
	if p := k.peer.Load(); p != nil {
		data.Version, data.Cipher = tls.VersionName(p.state.Version), tls.CipherSuiteName(p.state.CipherSuite)
		if leaf := k.leaf(); leaf != nil {
			data.Client = &pageClient{printName(leaf.RawSubject), printName(leaf.RawIssuer), serialText(leaf), leaf.NotAfter.UTC().Format(time.RFC3339)}
		}
	}
	if model.Identity.User.FromCertificate() {
		user, why := certificateUser(&model, k)
		if why != nil {
			data.Why = why.text
		}
		data.User = user
	}
	header := rw.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src "+pageStyle+"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cache-Control", "no-store")
	if err := page.Execute(rw, data); err != nil {
		w.l.b.log.Debug("sending the status page failed", "remote", k.remote, "error", err)
	}
}
