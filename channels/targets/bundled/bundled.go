// Package bundled turns the channel model into a folder that `mqttpki broker run --pki DIR` runs as it is on another
// machine: the model itself and what it names, laid out as in a PKI's folder, without any CA's key.
package bundled

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
)

// block is what may stand in the model under targets.bundled.
type block struct {
	Version    string   `yaml:"version"` // 1
	Dir        string   `yaml:"dir"`     // where the folder goes; /etc/mqttpki
	RunAs      string   `yaml:"run_as"`  // the user, and its group, that the broker runs as; mqttpki
	State      string   `yaml:"state"`   // where sessions and retained messages are kept; /var/lib/mqttpki
	AcceptLoss []string `yaml:"accept_loss"`
}

// Target is the bundled broker, which expresses the whole model.
type Target struct{}

// Product returns the facts of the bundled broker.
func (Target) Product() targets.Product {
	return targets.Product{
		Name: "bundled", Title: "The bundled broker", Versions: []string{"1"}, Default: "1", Tried: []string{"1"},
		Formats:  []string{"PEM"},
		Owner:    "the user that runs it",
		Reload:   "by itself when a file changes, and on SIGHUP; good sessions go on",
		Checking: "mqttpki channels check --pki DIR",
		Limits: []targets.Limit{
			{Field: "trust", Whole: func(s targets.Settings) string {
				for _, t := range s.Trust {
					for _, file := range []string{t.CA, t.CRL} {
						if file != "" && !local(file) {
							return fmt.Sprintf("%q does not lie beside the model, so it cannot go where the model goes", file)
						}
					}
				}
				return ""
			}},
			{Field: "users.file", Whole: func(s targets.Settings) string {
				if file := s.Users.File; file != "" && !local(file) {
					return fmt.Sprintf("%q does not lie beside the model, so it cannot go where the model goes", file)
				}
				return ""
			}},
			{Field: "targets.bundled.dir", Whole: func(s targets.Settings) string {
				if dir := s.Block.(block).Dir; !targets.PlainPath(dir) {
					return fmt.Sprintf("%q is no absolute path of letters, digits and . _ - between slashes", dir)
				}
				return ""
			}},
			{Field: "targets.bundled.state", Whole: func(s targets.Settings) string {
				if dir := s.Block.(block).State; !targets.PlainPath(dir) {
					return fmt.Sprintf("%q is no absolute path of letters, digits and . _ - between slashes", dir)
				}
				return ""
			}},
			{Field: "targets.bundled.run_as", Whole: func(s targets.Settings) string {
				if user := s.Block.(block).RunAs; !targets.UnixUser(user) {
					return fmt.Sprintf("%q is no user of a Unix machine", user)
				}
				return ""
			}},
		},
	}
}

// local reports whether a file of the model lies in the model's folder, under a name that means itself in a shell.
func local(name string) bool {
	return filepath.IsLocal(filepath.FromSlash(name)) && targets.PlainPath("/"+name)
}

// settle reads the target's block and puts the settings together.
func settle(m targets.Model) (targets.Settings, []targets.Problem) {
	b := block{Dir: "/etc/mqttpki", RunAs: "mqttpki", State: "/var/lib/mqttpki"}
	problems := targets.BlockProblems(m.Targets[Target{}.Product().Name].Decode(&b))
	s, more := targets.Settle(Target{}.Product(), m, targets.Common{Version: b.Version, AcceptLoss: b.AcceptLoss}, b)
	return s, append(problems, more...)
}

// Check returns what is wrong with the target's block; the model is expressed as it is.
func (t Target) Check(m targets.Model) []targets.Problem {
	s, problems := settle(m)
	return append(problems, targets.Review(t.Product(), s)...)
}

// Emit returns the folder.
func (t Target) Emit(m targets.Model, mat targets.Material) ([]targets.File, error) {
	s, _ := settle(m)
	b := s.Block.(block)
	f := folder{b: b}
	f.public("channels.yaml", "the listeners", mat.ModelFile)
	for i, trust := range m.Trust {
		if i < len(mat.Trust) {
			f.trust(trust, mat.Trust[i])
		}
	}
	if slices.ContainsFunc(m.Listeners, func(l channels.Listener) bool { return l.Transport.Encrypted() }) {
		name := cmp.Or(mat.ServerName, m.Server)
		f.private("server/"+name+"/"+name+".key", "the server's key", targets.KeyPEM(mat.Server.Key))
		f.public("server/"+name+"/"+name+"-chain.crt", "the server's certificate, then those above it", pemfile.EncodeCertificates(mat.Server.Chain...))
	}
	if slices.ContainsFunc(m.Listeners, func(l channels.Listener) bool { return l.Identity.User == channels.UserPassword }) {
		f.private(m.Users.File, "password users", mat.Users)
	}
	return targets.Sort(append(f.files, targets.Public("README", "", "what to do with these files", []byte(readme(b))))), nil
}

// folder collects files.
type folder struct {
	b     block
	files []targets.File
}

func (f *folder) add(a keystore.Artifact, mode fs.FileMode) {
	a.Owner = "root:" + f.b.RunAs
	f.files = append(f.files, targets.File{Artifact: a, Dest: path.Join(f.b.Dir, a.Path), DestMode: mode})
}

func (f *folder) public(name, note string, data []byte) {
	f.add(keystore.Artifact{Path: name, Mode: 0o644, Data: data, Note: note}, 0o644)
}

func (f *folder) private(name, note string, data []byte) {
	f.add(keystore.Artifact{Path: name, Mode: 0o600, Secret: true, Data: data, Note: note}, 0o640)
}

// trust adds a CA: this PKI's where every PKI has it, another one's where the model says.
func (f *folder) trust(t channels.Trust, mat targets.TrustMaterial) {
	if t.CA != channels.Self {
		f.public(t.CA, "a CA of clients", pemfile.EncodeCertificates(append(slices.Clone(mat.Anchors), mat.Intermediates...)...))
		if t.CRL != "" {
			f.public(t.CRL, "revoked certificates of its clients", targets.CRLsPEM(mat.CRLs))
		}
		return
	}
	f.public("ca/ca.crt", "the CA of clients", pemfile.EncodeCertificates(mat.Anchors...))
	if len(mat.Intermediates) > 0 {
		f.public("ca/issuing.crt", "the CA that issues to clients", pemfile.EncodeCertificates(mat.Intermediates...))
	}
	if t.CRL == "" {
		return
	}
	issuing, root := mat.SplitCRLs()
	if len(issuing) > 0 {
		f.public("ca/issuing.crl", "revoked certificates of clients", targets.CRLsPEM(issuing))
	}
	if len(root) > 0 {
		f.public("ca/root.crl", "revoked certificates of CAs", targets.CRLsPEM(root))
	}
}

// readme says what to do with the files.
func readme(b block) string {
	return fmt.Sprintf(`Install the folder as %s with the install lines that mqttpki printed; they give each file its owner and mode.
Run as the user %s: mqttpki broker run --pki %s --state %s, a folder of that user's own.
Changed files are read at once; a bad one keeps the old, and the log says why.
`, b.Dir, b.RunAs, b.Dir, b.State)
}

// Commands says how to drive the broker.
func (Target) Commands(m targets.Model) []targets.Command {
	s, _ := settle(m)
	b := s.Block.(block)
	return []targets.Command{
		{Purpose: "check", Text: "check the model", Argv: []string{"mqttpki", "channels", "check", "--pki", b.Dir}},
		{Purpose: "start", Text: "run the broker", Argv: []string{"mqttpki", "broker", "run", "--pki", b.Dir, "--state", b.State}},
		{Purpose: "reload", Text: "changed files are read by themselves; SIGHUP reads them now"},
		{Purpose: "stop", Text: "SIGTERM ends it; sessions and retained messages are kept"},
	}
}
