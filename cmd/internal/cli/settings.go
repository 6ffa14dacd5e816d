package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/channels/strictyaml"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// pkiSettings is what a pki.yaml says.
type pkiSettings struct {
	ca.Settings
	named map[string]namedProfile
}

// namedProfile is a profile beside those of the roles: `issue client sensor-17 --profile sensor`.
type namedProfile struct {
	role    ca.Role
	profile ca.Profile
}

// settingsFile is pki.yaml as it is written. Everything but the schema may be left out.
type settingsFile struct {
	Schema      string                 `yaml:"schema"`
	Subject     string                 `yaml:"subject"`      // stands before the common name, unless a profile has its own
	RenewBefore string                 `yaml:"renew_before"` // when status calls a certificate due
	CRL         crlSettings            `yaml:"crl"`
	Profiles    map[string]profileFile `yaml:"profiles"` // by role, or by a name for --profile
}

type crlSettings struct {
	Validity     string `yaml:"validity"`
	RootValidity string `yaml:"root_validity"`
	RenewBefore  string `yaml:"renew_before"`
}

type profileFile struct {
	Role       string   `yaml:"role"` // of a named profile
	Validity   string   `yaml:"validity"`
	KeyType    string   `yaml:"key_type"`
	Backdate   string   `yaml:"backdate"` // how far notBefore lies before now; "0s": not at all
	Subject    string   `yaml:"subject"`
	CRLURLs    []string `yaml:"crl_urls"`
	IssuerURLs []string `yaml:"issuer_urls"`
}

// readSettings reads the PKI's pki.yaml. A PKI without one goes by the defaults.
func (d *deps) readSettings() (pkiSettings, error) {
	file := filepath.Join(d.pki, ca.SettingsPath)
	data, err := safefile.Read(file, maxModelFile)
	if errors.Is(err, fs.ErrNotExist) {
		return pkiSettings{}, nil
	}
	if err != nil {
		return pkiSettings{}, err
	}
	settings, err := parseSettings(data)
	if err != nil {
		err = fmt.Errorf("reading %q: %w", file, err)
		if errors.Is(err, keystore.ErrFormat) {
			err = withHint(err, "correct it; every line but the schema may be left out")
		}
		return pkiSettings{}, err
	}
	return settings, nil
}

// use puts a named profile in the place of its role's.
func (s *pkiSettings) use(name string) error {
	if p, ok := s.named[name]; ok {
		s.Profiles[p.role] = p.profile
		return nil
	}
	if len(s.named) == 0 {
		return ofKind(errNotFound, withHint(fmt.Errorf("there is no profile %q: %s names none", name, ca.SettingsPath),
			"add it to %s under profiles", ca.SettingsPath))
	}
	known := strings.Join(slices.Sorted(maps.Keys(s.named)), ", ")
	return ofKind(errNotFound, withHint(fmt.Errorf("there is no profile %q", name), "%s has %s", ca.SettingsPath, known))
}

// settingsParser turns texts into values and collects what is wrong with them.
type settingsParser struct {
	positions strictyaml.Positions
	problems  strictyaml.Problems
}

func (p *settingsParser) problem(path string, err error) {
	p.problems = append(p.problems, strictyaml.Problem{
		Position: p.positions.Find(path), Kind: strictyaml.KindType, Path: path, Text: err.Error(),
	})
}

// duration reads a length of time; "" is 0, and so is "0s" unless a zero has a meaning of its own.
func (p *settingsParser) duration(path, text string) time.Duration {
	if text == "" {
		return 0
	}
	duration, err := parseDuration(text)
	if err != nil {
		p.problem(path, err)
	}
	return duration
}

// subject reads a name; "" falls back to another one.
func (p *settingsParser) subject(path, text string, fallback keystore.Name) keystore.Name {
	if text == "" {
		return fallback
	}
	name, err := ca.ParseDN(text)
	if err == nil && name.Has(keystore.OIDCommonName) {
		err = errors.New("the common name is each certificate's own and cannot stand here")
	}
	if err != nil {
		p.problem(path, err)
	}
	return name
}

// parseSettings reads a pki.yaml. All that is wrong with it is reported at once, with lines.
func parseSettings(data []byte) (pkiSettings, error) {
	var file settingsFile
	positions, err := strictyaml.Decode(data, &file, strictyaml.Options{})
	if file.Schema != "" {
		if err := ca.CheckSchema(file.Schema); err != nil { // first: another version's keys are no mistakes
			return pkiSettings{}, withHint(err, "use the mqttpki that made this PKI")
		}
	}
	p := &settingsParser{positions: positions}
	if err != nil && !errors.As(err, &p.problems) {
		return pkiSettings{}, err
	}
	if file.Schema == "" {
		p.problem("schema", fmt.Errorf("is missing; it is %q", ca.SettingsSchema))
	}
	base := p.subject("subject", file.Subject, nil)
	settings := pkiSettings{named: map[string]namedProfile{}}
	settings.Profiles = map[ca.Role]ca.Profile{}
	settings.RenewBefore = p.duration("renew_before", file.RenewBefore)
	settings.CRLValidity = p.duration("crl.validity", file.CRL.Validity)
	settings.RootValidity = p.duration("crl.root_validity", file.CRL.RootValidity)
	settings.CRLRenewBefore = p.duration("crl.renew_before", file.CRL.RenewBefore)
	for _, r := range ca.LeafRoles() {
		settings.Profiles[r] = ca.Profile{Subject: base}
	}
	for _, name := range slices.Sorted(maps.Keys(file.Profiles)) {
		text := file.Profiles[name]
		at := "profiles." + name
		profile := p.profile(at, text, base)
		if role, err := ca.ParseRole(name); err == nil {
			if text.Role != "" && text.Role != name {
				p.problem(at+".role", fmt.Errorf("the profile of the role %s cannot be for another one", name))
			}
			settings.Profiles[role] = profile
			continue
		}
		role, err := ca.ParseRole(text.Role)
		if err != nil {
			p.problem(at+".role", errors.New("a profile with a name of its own needs a role: server, client or bridge"))
		}
		settings.named[name] = namedProfile{role, profile}
	}
	if len(p.problems) == 0 {
		return settings, nil
	}
	slices.SortStableFunc(p.problems, func(a, b strictyaml.Problem) int {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column)
	})
	return pkiSettings{}, p.problems
}

func (p *settingsParser) profile(at string, text profileFile, base keystore.Name) ca.Profile {
	profile := ca.Profile{
		Validity:   p.duration(at+".validity", text.Validity),
		Subject:    p.subject(at+".subject", text.Subject, base),
		CRLURLs:    text.CRLURLs,
		IssuerURLs: text.IssuerURLs,
	}
	if text.Backdate == "0s" {
		profile.Backdate = -1
	} else {
		profile.Backdate = p.duration(at+".backdate", text.Backdate)
	}
	if text.KeyType != "" {
		kind, err := ca.ParseKeyType(text.KeyType)
		if err != nil {
			p.problem(at+".key_type", err)
		}
		profile.KeyType = kind
	}
	return profile
}

// settingsText writes the pki.yaml of a new PKI: what was chosen, and what may be.
func settingsText(subject keystore.Name, keyType ca.KeyType) []byte {
	chosen := "# subject: \"O=Example, C=DE\"   # stands before the common name of every certificate"
	if len(subject) > 0 {
		chosen = fmt.Sprintf("subject: %q   # stands before the common name of every certificate", subject.String())
	}
	if keyType == "" {
		keyType = ca.ECDSAP256
	}
	return fmt.Appendf(nil, `# Settings of this PKI, for all that is issued from now on. Lengths of time: 90d, 2y, 36h.
schema: %s
%s
renew_before: 30d                # status calls a certificate due
crl: {validity: 30d, root_validity: 365d, renew_before: 7d}
profiles:
  server: {validity: 397d, key_type: %[3]s}
  client: {validity: 365d, key_type: %[3]s}
  bridge: {validity: 397d, key_type: %[3]s}
  # sensor: {role: client, validity: 90d, crl_urls: ["http://pki.example.com/issuing.crl"]}   # issue client X --profile sensor
`, ca.SettingsSchema, chosen, keyType)
}
