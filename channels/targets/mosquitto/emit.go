package mosquitto

import (
	"fmt"
	"io/fs"
	"net/netip"
	"strings"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
)

// Cipher suites of TLS 1.2 by their OpenSSL names; those of TLS 1.3 are all good.
const (
	modernCiphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:" +
		"ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
	cbcCiphers = "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:" +
		"ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"
	tls13Ciphers = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"
)

// Emit returns the configuration with its access lists, password file and PEM files.
func (t Target) Emit(m targets.Model, mat targets.Material) ([]targets.File, error) {
	s, _ := settle(m)
	files := []targets.File{
		targets.Public(confPath, dest(s, confPath), "the listeners", configuration(s)),
		targets.Public("README", "", "what to do with these files", []byte(readme(s))),
	}
	if uses(s, func(l channels.Listener) bool { return l.Transport.Encrypted() }) {
		var chain []keystore.Certificate
		for _, c := range mat.Server.Chain {
			if c.X509 == nil || !keystore.SelfIssued(c.X509) { // clients have the root, or do not trust it
				chain = append(chain, c)
			}
		}
		if len(chain) == 0 {
			chain = mat.Server.Chain // a certificate signed by itself
		}
		files = append(files,
			targets.Public(certPath, dest(s, certPath), "the server's certificate, then those above it", pemfile.EncodeCertificates(chain...)),
			private(s, keyPath, "the server's key", "root:"+blockOf(s).RunAs, 0o640, targets.KeyPEM(mat.Server.Key)))
	}
	if uses(s, asks) {
		files = append(files, targets.Public(caPath, dest(s, caPath), "the CAs of clients", pemfile.EncodeCertificates(mat.ClientCAs()...)))
	}
	if uses(s, func(l channels.Listener) bool { return asks(l) && s.UsesCRL(&l) }) {
		files = append(files, targets.Public(crlPath, dest(s, crlPath), "revoked certificates of clients", targets.CRLsPEM(mat.AllCRLs())))
	}
	own := blockOf(s).RunAs + ":" + blockOf(s).RunAs // 2.0.15 and later complain of another owner, and are to refuse it
	if uses(s, func(l channels.Listener) bool { return l.Identity.User == channels.UserPassword }) {
		files = append(files, private(s, usersPath, "password users", own, 0o600, mat.Users))
	}
	if uses(s, func(l channels.Listener) bool { return identityOf(&l) != channels.UserNone }) {
		files = append(files, acl(s, aclPath, own, namedACL(s)))
	}
	for i := range s.Listeners {
		if l := &s.Listeners[i]; identityOf(l) == channels.UserNone {
			files = append(files, acl(s, aclOf(l), own, namelessACL(s, l)))
		}
	}
	return targets.Sort(files), nil
}

// private returns a file that nobody but the broker may read.
func private(s targets.Settings, name, note, owner string, mode fs.FileMode, data []byte) targets.File {
	return targets.File{
		Artifact: keystore.Artifact{Path: name, Mode: 0o600, Owner: owner, Secret: true, Data: data, Note: note},
		Dest:     dest(s, name), DestMode: mode,
	}
}

// acl returns an access list: no secret, but the broker wants it for itself.
func acl(s targets.Settings, name, owner string, data []byte) targets.File {
	f := private(s, name, "who may publish and subscribe", owner, 0o600, data)
	f.Mode, f.Secret = 0o644, false
	return f
}

// configuration returns mosquitto's configuration file. Comments begin their line: behind a value they would be part
// of it.
func configuration(s targets.Settings) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# listeners of %s, for mosquitto %s; made by mqttpki, which writes it anew\n", s.Server, s.Release)
	b.WriteString("per_listener_settings true\n")
	if user := blockOf(s).RunAs; user != "mosquitto" {
		fmt.Fprintf(&b, "user %s\n", user)
	}
	if limit := packetBytes(s); limit > 0 {
		fmt.Fprintf(&b, "max_packet_size %d\n", limit)
	}
	for i := range s.Listeners {
		listener(&b, s, &s.Listeners[i])
	}
	if !uses(s, func(l channels.Listener) bool { return !l.Transport.WebSocket() }) {
		fmt.Fprintf(&b, "\n# mosquitto 2.0 does not start with WebSockets alone; nobody gets in here\nlistener 0 %s\nallow_anonymous false\n", dest(s, ownDir+"/closed.sock"))
	}
	return []byte(b.String())
}

// listener writes one listener.
func listener(b *strings.Builder, s targets.Settings, l *channels.Listener) {
	fmt.Fprintf(b, "\n# %s\n", l.Name)
	fmt.Fprintf(b, "listener %s\n", strings.TrimSpace(fmt.Sprint(l.Port, " ", bindOf(l))))
	if domain := domainOf(l); domain != "" {
		fmt.Fprintf(b, "socket_domain %s\n", domain)
	}
	if l.Transport.WebSocket() {
		b.WriteString("protocol websockets\n")
	}
	if l.Limits.Connections > 0 {
		fmt.Fprintf(b, "max_connections %d\n", l.Limits.Connections)
	}
	if l.Transport.Encrypted() {
		tlsOptions(b, s, l)
	}
	switch identityOf(l) {
	case channels.UserCN:
		b.WriteString("use_identity_as_username true\nallow_anonymous false\n")
	case channels.UserSubject:
		b.WriteString("use_subject_as_username true\nallow_anonymous false\n")
	case channels.UserPassword:
		fmt.Fprintf(b, "allow_anonymous false\npassword_file %s\n", dest(s, usersPath))
	default:
		b.WriteString("allow_anonymous true\n")
	}
	if l.Identity.ClientID == channels.ClientIDEqual && identityOf(l) != channels.UserNone {
		b.WriteString("use_username_as_clientid true\n")
	}
	fmt.Fprintf(b, "acl_file %s\n", dest(s, aclOf(l)))
}

// tlsOptions writes the TLS options of a listener.
func tlsOptions(b *strings.Builder, s targets.Settings, l *channels.Listener) {
	if asks(*l) {
		fmt.Fprintf(b, "cafile %s\n", dest(s, caPath))
	}
	fmt.Fprintf(b, "certfile %s\nkeyfile %s\ntls_version tlsv%s\n", dest(s, certPath), dest(s, keyPath), l.TLS.Min)
	ciphers := modernCiphers
	if l.TLS.Ciphers == channels.CiphersCompatible {
		ciphers += ":" + cbcCiphers
	}
	fmt.Fprintf(b, "ciphers %s\nciphers_tls1.3 %s\nrequire_certificate %t\n", ciphers, tls13Ciphers, asks(*l))
	if asks(*l) && s.UsesCRL(l) {
		fmt.Fprintf(b, "crlfile %s\n", dest(s, crlPath))
	}
}

// bindOf returns the address as the listener line takes it: "::", which means every address in the model, is left
// out, since mosquitto would take it for every IPv6 address alone.
func bindOf(l *channels.Listener) string {
	if l.Bind == "::" {
		return ""
	}
	return l.Bind
}

// domainOf returns the value of socket_domain: without one a WebSocket listener binds every address, whatever it was
// told.
func domainOf(l *channels.Listener) string {
	address, err := netip.ParseAddr(l.Bind)
	switch {
	case err != nil || l.Bind == "::":
		return ""
	case address.Is4():
		return "ipv4"
	}
	return "ipv6"
}
