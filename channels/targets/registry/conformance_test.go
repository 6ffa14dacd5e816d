package registry

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
	"github.com/mqttpki/mqttpki/channels/targets/targettest"
	"github.com/mqttpki/mqttpki/keystore"
)

// base is a deployment that every target can express: no user comes from a certificate, and each product's block says
// what it needs. Mutations change one thing of it.
func base(t *testing.T) *channels.Deployment {
	d, err := channels.Preset("ibm-sample", "localhost")
	require.NoError(t, err)
	d.Users.File = "users.passwd"
	d.Targets = map[string]channels.TargetNode{
		"ibmmq": {Raw: []byte("queue_manager: QM1\nmca_user: Guest\njaas: {stanza: MQXRConfig, class: samples.JAASLoginModule}\n")},
	}
	require.Empty(t, d.Validate().Errors())
	return d
}

// mutations is every capability of the model: each changes what the broker is to do.
var mutations = []struct {
	name   string
	change func(d *channels.Deployment)
}{
	{"name", func(d *channels.Deployment) { d.Listeners[0].Name = "Renamed" }},
	{"bind", func(d *channels.Deployment) { d.Listeners[0].Bind = "127.0.0.1" }},
	{"bind of IPv6", func(d *channels.Deployment) { d.Listeners[0].Bind = "::1" }},
	{"bind of WebSockets", func(d *channels.Deployment) { d.Listeners[5].Bind = "127.0.0.1" }},
	{"port", func(d *channels.Deployment) { d.Listeners[0].Port = 1999 }},
	{"ws becomes tcp", func(d *channels.Deployment) { d.Listeners[3].Transport, d.Listeners[3].Path = channels.TCP, "" }},
	{"tls becomes wss", func(d *channels.Deployment) { d.Listeners[2].Transport, d.Listeners[2].Path = channels.WSS, "/mqtt" }},
	{"required becomes none", func(d *channels.Deployment) { d.Listeners[2].ClientCertificate = channels.CertificateNone }},
	{"none becomes required", func(d *channels.Deployment) { d.Listeners[1].ClientCertificate = channels.CertificateRequired }},
	{"none becomes optional", func(d *channels.Deployment) { d.Listeners[1].ClientCertificate = channels.CertificateOptional }},
	{"optional on wss", func(d *channels.Deployment) { d.Listeners[5].ClientCertificate = channels.CertificateOptional }},
	{"CRLs on all", func(d *channels.Deployment) { d.Revocation.CRL = true }},
	{"CRL on tls", func(d *channels.Deployment) { d.Listeners[2].CRL = new(true) }},
	{"CRL on wss", func(d *channels.Deployment) { d.Listeners[5].CRL = new(true) }},
	{"user from CN", func(d *channels.Deployment) { d.Listeners[2].Identity.User = channels.UserCN }},
	{"user from CN on wss", func(d *channels.Deployment) { d.Listeners[5].Identity.User = channels.UserCN }},
	{"user from subject", func(d *channels.Deployment) { d.Listeners[2].Identity.User = channels.UserSubject }},
	{"user from DNS name", func(d *channels.Deployment) { d.Listeners[2].Identity.User = channels.UserSANDNS }},
	{"user from URI", func(d *channels.Deployment) { d.Listeners[2].Identity.User = channels.UserSANURI }},
	{"user from e-mail", func(d *channels.Deployment) { d.Listeners[2].Identity.User = channels.UserSANEmail }},
	{"user by password", func(d *channels.Deployment) { d.Listeners[0].Identity.User = channels.UserPassword }},
	{"user by password and certificate", func(d *channels.Deployment) { d.Listeners[2].Identity.User = channels.UserPassword }},
	{"another fixed user", func(d *channels.Deployment) {
		d.Listeners[0].Identity.FixedUser = "Other"
		d.Access = append(d.Access, channels.Rule{Who: "Other", Allow: []channels.Action{channels.Publish}, Topics: []string{"other/#"}})
	}},
	{"client ids owned", func(d *channels.Deployment) { d.Listeners[0].Identity.ClientID = channels.ClientIDOwned }},
	{"client ids equal", func(d *channels.Deployment) {
		d.Listeners[2].Identity = channels.Identity{User: channels.UserCN, ClientID: channels.ClientIDEqual}
	}},
	{"client ids by prefix", func(d *channels.Deployment) { d.Listeners[0].Identity.ClientID = channels.ClientIDPrefix }},
	{"TLS 1.3 on tls", func(d *channels.Deployment) { d.Listeners[1].TLS.Min = "1.3" }},
	{"TLS 1.3 on wss", func(d *channels.Deployment) { d.Listeners[4].TLS.Min = "1.3" }},
	{"compatible ciphers", func(d *channels.Deployment) { d.Listeners[1].TLS.Ciphers = channels.CiphersCompatible }},
	{"compatible ciphers on wss", func(d *channels.Deployment) { d.Listeners[4].TLS.Ciphers = channels.CiphersCompatible }},
	{"path", func(d *channels.Deployment) { d.Listeners[3].Path = "/other" }},
	{"connections", func(d *channels.Deployment) { d.Listeners[0].Limits.Connections = 10 }},
	{"packet size of one", func(d *channels.Deployment) { d.Listeners[0].Limits.PacketBytes = 4096 }},
	{"packet size of all", func(d *channels.Deployment) {
		for i := range d.Listeners {
			d.Listeners[i].Limits.PacketBytes = 4096
		}
	}},
	{"backlog", func(d *channels.Deployment) { d.Listeners[0].Limits.Backlog = 17 }},
	{"one listener less", func(d *channels.Deployment) { d.Listeners = d.Listeners[1:] }},
	{"WebSockets alone", func(d *channels.Deployment) { d.Listeners = d.Listeners[3:4] }},
	{"another CA", func(d *channels.Deployment) {
		d.Trust = append(d.Trust, channels.Trust{CA: "partner.crt", Users: "partner-*"})
	}},
	{"a bound on this CA", func(d *channels.Deployment) { d.Trust[0].Users = "dev*" }},
	{"no rule", func(d *channels.Deployment) { d.Access = nil }},
	{"publish only", func(d *channels.Deployment) { d.Access[0].Allow = d.Access[0].Allow[:1] }},
	{"subscribe only", func(d *channels.Deployment) { d.Access[0].Allow = d.Access[0].Allow[1:] }},
	{"a rule for a fixed user", func(d *channels.Deployment) { d.Access[0].Topics, d.Access[0].Who = []string{"a/#"}, "Guest" }},
	{"a rule for a pattern", func(d *channels.Deployment) { d.Access[0].Topics, d.Access[0].Who = []string{"a/#"}, "Gu*" }},
	{"a rule for a password user", func(d *channels.Deployment) {
		d.Listeners[0].Identity.User = channels.UserPassword
		d.Access[0] = channels.Rule{Who: "alice", Allow: d.Access[0].Allow, Topics: []string{"a/{user}/#"}}
	}},
	{"a pattern over certificate users", func(d *channels.Deployment) {
		d.Listeners[2].Identity.User = channels.UserCN
		d.Access = append(d.Access, channels.Rule{Who: "ops-*", Allow: d.Access[0].Allow, Topics: []string{"ops/#"}})
	}},
	{"each user's own topics", func(d *channels.Deployment) { d.Access[0].Topics = []string{"devices/{user}/#"} }},
	{"an exact topic", func(d *channels.Deployment) { d.Access[0].Topics = []string{"a/b"} }},
	{"a wildcard level", func(d *channels.Deployment) { d.Access[0].Topics = []string{"a/+/c"} }},
	{"the broker's topics", func(d *channels.Deployment) { d.Access[0].Topics = []string{"#", "$SYS/#"} }},
	{"a topic with %u", func(d *channels.Deployment) { d.Access[0].Topics = []string{"a/%u/#"} }},
	{"a topic with a blank", func(d *channels.Deployment) { d.Access[0].Topics = []string{"a/b /#", " a/#"} }},
}

// suite runs a law for every target and version.
func suite(t *testing.T, law func(t *testing.T, target targets.Target, version string)) {
	for _, target := range All() {
		p := target.Product()
		for _, version := range p.Versions {
			t.Run(p.Name+" "+version, func(t *testing.T) { law(t, target, version) })
		}
	}
}

// render emits a model, or returns its errors as text.
func render(t *testing.T, pki *targettest.PKI, target targets.Target, m targets.Model) (files []targets.File, problems []string) {
	t.Helper()
	files, found, err := targets.Emit(target, m, pki.Material(m.Deployment))
	if len(targets.Errors(found)) == 0 {
		require.NoError(t, err)
	} else {
		require.ErrorIs(t, err, targets.ErrRefused)
		require.Nil(t, files, "what is refused is not emitted")
	}
	for _, p := range found {
		problems = append(problems, p.String())
	}
	return files, problems
}

// TestNothingIsDroppedSilently is the chief law: whatever is changed in the model changes what is emitted, or is
// said, and what cannot be had is refused. A configuration of a release that lacks half of it is refused throughout;
// then the change itself must be what is said, or a listener less.
func TestNothingIsDroppedSilently(t *testing.T) {
	pki := targettest.New(t)
	suite(t, func(t *testing.T, target targets.Target, version string) {
		before, beforeSaid := render(t, pki, target, targets.Model{Deployment: base(t), Version: version})
		for _, m := range mutations {
			d := base(t)
			m.change(d)
			require.Empty(t, d.Validate().Errors(), "%s: the mutation itself is valid", m.name)
			after, said := render(t, pki, target, targets.Model{Deployment: d, Version: version})
			news := slices.DeleteFunc(slices.Clone(said), func(s string) bool { return slices.Contains(beforeSaid, s) })
			changed := targettest.Listing(before) != targettest.Listing(after)
			if len(before) == 0 && len(after) == 0 {
				continue // 7.5.0.0 refuses the base already; the laws of losses hold for it below
			}
			assert.True(t, changed || len(news) > 0, "%s: neither emitted nor said", m.name)
		}
	})
}

// TestLossesAreAcceptedByName makes every refusal that names a property go away by that name, and no other.
func TestLossesAreAcceptedByName(t *testing.T) {
	pki := targettest.New(t)
	suite(t, func(t *testing.T, target targets.Target, version string) {
		for _, m := range mutations {
			d := base(t)
			m.change(d)
			model := targets.Model{Deployment: d, Version: version}
			final := false
			for _, p := range targets.Errors(target.Check(model)) {
				if p.Property == "" {
					final = true
					continue
				}
				assert.NotEmpty(t, p.Source, "%s: %s", m.name, p)
				loss, err := targets.ParseLoss(p.Loss().String())
				require.NoError(t, err)
				if !slices.Contains(model.Accept, loss) {
					model.Accept = append(model.Accept, loss)
				}
			}
			problems := target.Check(model)
			for _, p := range targets.Errors(problems) {
				assert.Empty(t, p.Property, "%s: %s", m.name, p)
			}
			for _, loss := range model.Accept {
				assert.True(t, slices.ContainsFunc(problems, func(p targets.Problem) bool { return p.Accepted && p.Loss() == loss }), "%s: %s is said to be lost", m.name, loss)
			}
			if !final {
				files, _ := render(t, pki, target, model)
				assert.NotEmpty(t, files, m.name)
			}
		}
		extra := targets.Model{Deployment: base(t), Version: version, Accept: []targets.Loss{{Listener: "SSLREQ", Property: targets.CRL}}}
		assert.True(t, slices.ContainsFunc(target.Check(extra), func(p targets.Problem) bool {
			return p.Severity == channels.Warning && strings.Contains(p.Text, "SSLREQ:crl is none")
		}), "a permission that nothing needs is said")
	})
}

// TestFiles checks what every file of every target must be.
func TestFiles(t *testing.T) {
	pki := targettest.New(t)
	suite(t, func(t *testing.T, target targets.Target, version string) {
		d := base(t)
		d.Listeners[0].Identity.User = channels.UserPassword
		if version == "7.5.0.0" {
			d.Listeners = []channels.Listener{d.Listeners[0], d.Listeners[2]}
		}
		d.Access = []channels.Rule{{Who: "Guest", Allow: []channels.Action{channels.Publish}, Topics: []string{"a/#"}}}
		m := targets.Model{Deployment: d, Version: version}
		mat := pki.Material(d)
		files, problems, err := targets.Emit(target, m, mat)
		require.NoError(t, err, "%v", problems)
		assert.True(t, slices.IsSortedFunc(files, func(a, b targets.File) int { return strings.Compare(a.Path, b.Path) }))
		readme := false
		for _, f := range files {
			assert.True(t, filepath.IsLocal(filepath.FromSlash(f.Path)) && path.Clean(f.Path) == f.Path, f.Path)
			assert.NotEmpty(t, f.Note, f.Path)
			if f.Dest != "" {
				assert.True(t, targets.PlainPath(f.Dest), f.Dest)
				assert.NotZero(t, f.DestMode, f.Path)
			}
			secret := bytes.Contains(f.Data, []byte("PRIVATE KEY")) || bytes.Contains(f.Data, []byte("$7$")) || strings.HasSuffix(f.Path, ".jks")
			if secret {
				assert.True(t, f.Secret, "%s holds a secret", f.Path)
			}
			if f.Secret {
				assert.Equal(t, fs.FileMode(0o600), f.Mode, f.Path)
				assert.Zero(t, f.DestMode&0o007, f.Path)
			}
			assert.NotContains(t, string(f.Data), targettest.Password)
			if f.Path == "README" {
				readme = true
				assert.Equal(t, 3, strings.Count(string(f.Data), "\n"), "three lines: where each goes, how to load, how to reload")
			}
		}
		assert.True(t, readme)
		again, _, err := targets.Emit(target, m, func() targets.Material { x := pki.Material(d); x.Now = mat.Now; return x }())
		require.NoError(t, err)
		assert.Equal(t, files, again, "the same input gives the same bytes")
	})
}

// TestFacts checks that every product says what a person has to know.
func TestFacts(t *testing.T) {
	assert.True(t, slices.IsSorted(Names()))
	for _, target := range All() {
		p := target.Product()
		t.Run(p.Name, func(t *testing.T) {
			for _, text := range []string{p.Title, p.Owner, p.Reload, p.Checking} {
				assert.NotEmpty(t, text)
			}
			assert.NotEmpty(t, p.Formats)
			_, err := targets.ParseVersion(p.Default)
			require.NoError(t, err)
			for i, limit := range p.Limits {
				set := 0
				for _, is := range []bool{limit.Listener != nil, limit.Rule != nil, limit.Whole != nil} {
					if is {
						set++
					}
				}
				assert.Equal(t, 1, set, "limit %d", i)
				for _, v := range []string{limit.Since, limit.Until} {
					if v != "" {
						_, err := targets.ParseVersion(v)
						require.NoError(t, err)
					}
				}
			}
			var purposes []string
			for _, c := range target.Commands(targets.Model{Deployment: base(t)}) {
				assert.NotEmpty(t, c.Text)
				purposes = append(purposes, c.Purpose)
			}
			assert.Subset(t, purposes, []string{"check", "reload", "stop"})
			got, err := Get(p.Name)
			require.NoError(t, err)
			assert.Equal(t, fmt.Sprintf("%T", target), fmt.Sprintf("%T", got))
		})
	}
	_, err := Get("emqx")
	require.EqualError(t, err, `there is no target "emqx"; there are bundled, ibmmq, mosquitto`)
}

// TestMaterialIsChecked refuses what would leave a broker that lets nobody in, whatever the product.
func TestMaterialIsChecked(t *testing.T) {
	pki, other := targettest.New(t), targettest.New(t)
	for _, tc := range []struct {
		name, want string
		change     func(mat *targets.Material)
	}{
		{"no server", "are missing or cannot be read", func(m *targets.Material) { m.Server.Chain = nil }},
		{"another's key", "is not that of its certificate", func(m *targets.Material) { m.Server.Key = other.Server.PrivateKey(t) }},
		{"no CA", `the CA "self" is missing`, func(m *targets.Material) { m.Trust = nil }},
		{"no CRL", `there is no CRL of "CN=Test Issuing"`, func(m *targets.Material) { m.Trust[0].CRLs = nil }},
		{"the root's CRL alone", `there is no CRL of "CN=Test Issuing"`, func(m *targets.Material) { m.Trust[0].CRLs = m.Trust[0].CRLs[1:] }},
		{"a stranger's CRL", `there is no CRL of "CN=Test Issuing"`, func(m *targets.Material) { m.Trust[0].CRLs = other.Trust().CRLs }},
		{"no CRL at all", "a CRL cannot be read", func(m *targets.Material) { m.Trust[0].CRLs = [][]byte{{1, 2, 3}} }},
		{"a stale CRL", "was due for renewal", func(m *targets.Material) { m.Now = m.Now.Add(2 * 3600e9) }},
		{"an expired server", "expired on", func(m *targets.Material) { m.Now = m.Now.Add(48 * 3600e9) }},
		{"broken users", "line 1", func(m *targets.Material) { m.Users = []byte("alice:secret\n") }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := channels.Preset("mtls", "localhost")
			require.NoError(t, err)
			mat := pki.Material(d)
			tc.change(&mat)
			files, problems, err := targets.Emit(All()[0], targets.Model{Deployment: d}, mat)
			require.ErrorIs(t, err, targets.ErrRefused)
			assert.Nil(t, files)
			assert.Contains(t, fmt.Sprint(problems), tc.want)
		})
	}
	intermediate, err := channels.Preset("ibm-sample", "localhost")
	require.NoError(t, err)
	mat := pki.Material(intermediate)
	mat.Trust[0] = targets.TrustMaterial{Anchors: []keystore.Certificate{pki.Issuing.Certificate()}}
	for _, target := range All() {
		_, problems, err := targets.Emit(target, targets.Model{Deployment: intermediate}, mat)
		if target.Product().Roots {
			require.ErrorIs(t, err, targets.ErrRefused)
			assert.Contains(t, fmt.Sprint(problems), `"CN=Test Issuing" is no root`)
		} else {
			require.NoError(t, err)
		}
	}
	d, err := channels.Preset("mtls", "other.example.com")
	require.NoError(t, err)
	_, problems, err := targets.Emit(All()[0], targets.Model{Deployment: d}, pki.Material(d))
	require.ErrorIs(t, err, targets.ErrRefused)
	assert.Contains(t, fmt.Sprint(problems), `does not cover "other.example.com"`)
}

func TestCheckBlocks(t *testing.T) {
	d := base(t)
	assert.Empty(t, CheckBlocks(d))
	d.Targets["emqx"] = channels.TargetNode{}
	assert.Len(t, CheckBlocks(d), 1)
}
