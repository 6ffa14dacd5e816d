package mosquitto

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
	"github.com/mqttpki/mqttpki/channels/targets/targettest"
)

func TestGolden(t *testing.T) {
	pki := targettest.New(t)
	mtls, err := channels.Preset("mtls", "localhost")
	require.NoError(t, err)
	sample, err := channels.Preset("ibm-sample", "localhost")
	require.NoError(t, err)
	full := &channels.Deployment{
		Schema: channels.Schema, Server: "localhost", Trust: []channels.Trust{{CA: channels.Self, CRL: channels.Self}},
		Revocation: channels.Revocation{CRL: true}, Users: channels.Users{File: "users.passwd"},
		Listeners: []channels.Listener{
			{Name: "all", Bind: "::", Port: 1, Transport: channels.TLS, Identity: channels.Identity{User: channels.UserSubject, ClientID: channels.ClientIDEqual}, TLS: channels.TLSOptions{Min: "1.3"}, CRL: new(false)},
			{Name: "six", Bind: "::1", Port: 2, Transport: channels.WSS, ClientCertificate: channels.CertificateNone, Path: "/other", Limits: channels.Limits{Connections: 7}},
			{Name: "old", Port: 3, Transport: channels.TLS, TLS: channels.TLSOptions{Ciphers: channels.CiphersCompatible}},
			{Name: "open", Port: 4, Transport: channels.TCP, Identity: channels.Identity{User: channels.UserNone, ClientID: channels.ClientIDAny}},
		},
		Access: []channels.Rule{
			{Who: "*", Allow: []channels.Action{channels.Publish}, Topics: []string{"up/{user}/#", "log"}},
			{Who: "dev1", Allow: []channels.Action{channels.Subscribe}, Topics: []string{"down/{user}"}},
			{Who: "ops", Allow: []channels.Action{channels.Publish, channels.Subscribe}, Topics: []string{"#"}},
			{Who: "dev1", Allow: []channels.Action{channels.Publish}, Topics: []string{"a b/+/c"}},
		},
		Targets: map[string]channels.TargetNode{"mosquitto": {Raw: []byte("config_dir: /opt/mosquitto/etc\nrun_as: broker\n")}},
	}
	for i := range full.Listeners {
		full.Listeners[i].Limits.PacketBytes = 65536
	}
	full.FillDefaults()
	require.Empty(t, full.Validate().Errors())
	for _, tc := range []struct {
		name, version string
		model         *channels.Deployment
		accept        []targets.Loss
	}{
		{"mtls-2.0", "2.0", mtls, []targets.Loss{{Listener: "SSLREQWS", Property: targets.CRL}}},
		{"mtls-2.1", "2.1", mtls, nil},
		{"ibm-sample-2.0", "2.0", sample, nil},
		{"full-2.0", "2.0", full, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			files, problems, err := targets.Emit(Target{}, targets.Model{Deployment: tc.model, Version: tc.version, Accept: tc.accept}, pki.Material(tc.model))
			require.NoError(t, err, "%v", problems)
			targettest.Golden(t, tc.name, targettest.Listing(files)+"=== install\n"+strings.Join(targets.InstallLines(files), "\n")+"\n")
		})
	}
}

// TestPresetIsRefusedByName names the one thing that mosquitto 2.0 cannot do of the mtls preset.
func TestPresetIsRefusedByName(t *testing.T) {
	d, err := channels.Preset("mtls", "localhost")
	require.NoError(t, err)
	problems := targets.Errors(Target{}.Check(targets.Model{Deployment: d}))
	require.Len(t, problems, 1)
	assert.Equal(t, "error: listener SSLREQWS: Mosquitto 2.0: crlfile is ignored on WebSockets: a revoked certificate gets in "+
		"[tried with 2.0.11] (to lose it: --accept-loss 'SSLREQWS:crl')", problems[0].String())
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name, block, want string
		change            func(d *channels.Deployment)
	}{
		{"optional", "", "SSLOPT:certificate", func(d *channels.Deployment) { d.Listeners[1].ClientCertificate = channels.CertificateOptional }},
		{"a URI for a name", "", "SSLREQ:identity", func(d *channels.Deployment) { d.Listeners[2].Identity.User = channels.UserSANURI }},
		{"a prefix", "", "SSLREQ:client_id", func(d *channels.Deployment) { d.Listeners[2].Identity.ClientID = channels.ClientIDPrefix }},
		{"a pattern of users", "", "*:access", func(d *channels.Deployment) { d.Access[0].Who = "ops-*" }},
		{"another CA", "", "*:trust", func(d *channels.Deployment) {
			d.Trust = append(d.Trust, channels.Trust{CA: "b", CRL: "c", Users: "b*"})
		}},
		{"TLS 1.3 on wss", "", "SSLREQWS:tls.min", func(d *channels.Deployment) { d.Listeners[5].TLS.Min = "1.3" }},
		{"packets that differ", "", "PlainText:limits.packet_bytes", func(d *channels.Deployment) { d.Listeners[0].Limits.PacketBytes = 1000 }},
		{"a relative folder", "config_dir: etc", "no absolute path", nil},
		{"a command for a folder", "config_dir: '/etc/$(reboot)'", "no absolute path", nil},
		{"a user with a blank", "run_as: 'a b'", "no user of a Unix machine", nil},
		{"an old version", "version: '1.6'", "older than 2.0", nil},
		{"an unknown key", "dir: /x", "unknown key", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := channels.Preset("mtls", "localhost")
			require.NoError(t, err)
			if tc.change != nil {
				tc.change(d)
			}
			d.Targets = map[string]channels.TargetNode{"mosquitto": {Raw: []byte("accept_loss: ['SSLREQWS:crl']\n" + tc.block + "\n")}}
			problems := targets.Errors(Target{}.Check(targets.Model{Deployment: d}))
			assert.True(t, slices.ContainsFunc(problems, func(p targets.Problem) bool { return strings.Contains(p.String(), tc.want) }), "%v", problems)
		})
	}
}
