package channels

import (
	"errors"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/channels/strictyaml"
)

// maxFile bounds a channels.yaml; one with a thousand listeners is a quarter of it.
const maxFile = 1 << 20

// The file's own shape. It differs from the model where the file is shorter: "fixed:NAME" is one word there.
type (
	fileDeployment struct {
		Schema     string                     `yaml:"schema"`
		Server     string                     `yaml:"server"`
		Trust      []fileTrust                `yaml:"trust"`
		Revocation fileRevocation             `yaml:"revocation"`
		Listeners  []fileListener             `yaml:"listeners"`
		Users      fileUsers                  `yaml:"users"`
		Access     []fileRule                 `yaml:"access"`
		Targets    map[string]strictyaml.Node `yaml:"targets"`
	}
	fileTrust struct {
		CA    string `yaml:"ca"`
		CRL   string `yaml:"crl"`
		Users string `yaml:"users"`
	}
	fileRevocation struct {
		CRL bool `yaml:"crl"`
	}
	fileListener struct {
		Name              string       `yaml:"name"`
		Bind              string       `yaml:"bind"`
		Port              int          `yaml:"port"`
		Transport         string       `yaml:"transport"`
		ClientCertificate string       `yaml:"client_certificate"`
		Identity          fileIdentity `yaml:"identity"`
		TLS               *fileTLS     `yaml:"tls"`
		Path              string       `yaml:"path"`
		CRL               *bool        `yaml:"crl"`
		Limits            fileLimits   `yaml:"limits"`
	}
	fileIdentity struct {
		User     string `yaml:"user"`
		ClientID string `yaml:"client_id"`
	}
	fileTLS struct {
		Min     string `yaml:"min"`
		Ciphers string `yaml:"ciphers"`
	}
	fileLimits struct {
		Connections int `yaml:"connections"`
		PacketBytes int `yaml:"packet_bytes"`
		Backlog     int `yaml:"backlog"`
	}
	fileUsers struct {
		File string `yaml:"file"`
	}
	fileRule struct {
		Who    string   `yaml:"who"`
		Allow  []string `yaml:"allow"`
		Topics []string `yaml:"topics"`
	}
)

// fixedPrefix begins an identity under which everybody is one user.
const fixedPrefix = "fixed:"

// Parse reads a channels.yaml, fills in what it leaves out (see [Deployment.FillDefaults]) and checks it with
// [Deployment.Validate]. Everything wrong is reported at once: the error is [Problems] without warnings, or wraps
// [keystore.ErrTooLarge], and then there is no Deployment. The blocks under "targets" are left to their targets.
func Parse(data []byte) (*Deployment, error) {
	var file fileDeployment
	positions, err := strictyaml.Decode(data, &file, strictyaml.Options{MaxBytes: maxFile})
	var decoding strictyaml.Problems
	if err != nil && !errors.As(err, &decoding) {
		return nil, err
	}
	if slices.ContainsFunc(decoding, func(p strictyaml.Problem) bool { return p.Kind == strictyaml.KindSyntax && p.Path == "" }) {
		return nil, fromDecoder(decoding) // nothing was read: what is missing says nothing
	}
	d := file.deployment()
	d.positions = positions
	d.FillDefaults()
	problems := append(fromDecoder(decoding), unrelated(d.Validate().Errors(), decoding, positions)...)
	if len(problems) > 0 {
		problems.sort()
		return nil, problems
	}
	return d, nil
}

// fromDecoder turns a decoder's problems into ours.
func fromDecoder(ps strictyaml.Problems) Problems {
	var out Problems
	for _, p := range ps {
		out = append(out, Problem{Line: p.Line, Column: p.Column, Path: p.Path, Severity: Error, Text: p.Text})
	}
	return out
}

// unrelated leaves out problems of values that the decoder complained about, and of values that are absent where a key
// is misspelt: "sever: a" is one mistake, not also a missing server.
func unrelated(ps Problems, decoding strictyaml.Problems, positions strictyaml.Positions) Problems {
	return slices.DeleteFunc(ps, func(p Problem) bool {
		_, present := positions[p.Path]
		return slices.ContainsFunc(decoding, func(d strictyaml.Problem) bool {
			if d.Kind == strictyaml.KindUnknown {
				parent := d.Path[:max(0, strings.LastIndex(d.Path, "."))]
				return !present && within(p.Path, parent)
			}
			return within(p.Path, d.Path)
		})
	})
}

// within reports whether the value at path is the one at outer, or a part of it.
func within(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
}

// deployment turns the file's shape into the model's.
func (f *fileDeployment) deployment() *Deployment {
	d := &Deployment{
		Schema: f.Schema, Server: f.Server, Revocation: Revocation(f.Revocation), Users: Users(f.Users),
	}
	for _, t := range f.Trust {
		d.Trust = append(d.Trust, Trust(t))
	}
	for _, l := range f.Listeners {
		d.Listeners = append(d.Listeners, l.listener())
	}
	for _, r := range f.Access {
		rule := Rule{Who: r.Who, Topics: r.Topics}
		for _, a := range r.Allow {
			rule.Allow = append(rule.Allow, Action(a))
		}
		d.Access = append(d.Access, rule)
	}
	for name, node := range f.Targets {
		if d.Targets == nil {
			d.Targets = map[string]TargetNode{}
		}
		d.Targets[name] = TargetNode{Name: name, Raw: node.YAML(), Line: node.Position().Line, node: node}
	}
	return d
}

func (l fileListener) listener() Listener {
	out := Listener{
		Name: l.Name, Bind: l.Bind, Port: l.Port, Transport: Transport(l.Transport),
		ClientCertificate: ClientCertificate(l.ClientCertificate),
		Identity:          Identity{User: UserSource(l.Identity.User), ClientID: ClientIDRule(l.Identity.ClientID)},
		Path:              l.Path, CRL: l.CRL, Limits: Limits(l.Limits),
	}
	if name, fixed := strings.CutPrefix(l.Identity.User, fixedPrefix); fixed {
		out.Identity.User, out.Identity.FixedUser = UserFixed, name
	}
	if l.TLS != nil {
		out.TLS = TLSOptions(*l.TLS)
	}
	return out
}

// FillDefaults sets every field that is zero and has a default: on tls and wss a certificate is required, TLS 1.2
// and modern ciphers hold and all addresses are bound; tcp and ws bind loopback. Users are named by the
// certificate's CN where one is required, else by password; client ids are owned; the WebSocket path is /mqtt.
func (d *Deployment) FillDefaults() {
	for i := range d.Listeners {
		l := &d.Listeners[i]
		if l.Transport.Encrypted() {
			setDefault(&l.Bind, "0.0.0.0")
			setDefault(&l.ClientCertificate, CertificateRequired)
			setDefault(&l.TLS.Min, "1.2")
			setDefault(&l.TLS.Ciphers, "modern")
		} else {
			setDefault(&l.Bind, "127.0.0.1")
			setDefault(&l.ClientCertificate, CertificateNone)
		}
		if l.Transport.WebSocket() {
			setDefault(&l.Path, "/mqtt")
		}
		if l.ClientCertificate == CertificateRequired {
			setDefault(&l.Identity.User, UserCN)
		}
		setDefault(&l.Identity.User, UserPassword)
		setDefault(&l.Identity.ClientID, ClientIDOwned)
	}
}

// setDefault sets a field that is empty.
func setDefault[S ~string](field *S, value S) {
	if *field == "" {
		*field = value
	}
}

// Decode reads the target's block into the struct that into points to, whose fields have `yaml` tags. The error is
// [Problems] with lines and columns of the model's file where the block came from one.
func (t TargetNode) Decode(into any) error {
	var err error
	if t.node.Given() {
		_, err = t.node.Decode(into)
	} else if len(t.Raw) > 0 {
		_, err = strictyaml.Decode(t.Raw, into, strictyaml.Options{MaxBytes: maxFile})
	}
	var decoding strictyaml.Problems
	if errors.As(err, &decoding) {
		return fromDecoder(decoding)
	}
	return err
}
