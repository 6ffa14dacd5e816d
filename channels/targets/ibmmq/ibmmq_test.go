package ibmmq

import (
	"bytes"
	"fmt"
	"os"
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
	"github.com/mqttpki/mqttpki/keystore/jksfile"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// sample is the ibm-sample preset for a release.
func sample(t *testing.T, version string) targets.Model {
	d, err := channels.Preset("ibm-sample", "localhost")
	require.NoError(t, err)
	return targets.Model{Deployment: d, Version: version}
}

// emit emits a model and returns its files by path.
func emit(t *testing.T, m targets.Model) (map[string]targets.File, []targets.File) {
	t.Helper()
	files, problems, err := targets.Emit(Target{}, m, targettest.New(t).Material(m.Deployment))
	require.NoError(t, err, "%v", problems)
	byPath := map[string]targets.File{}
	for _, f := range files {
		byPath[f.Path] = f
	}
	return byPath, files
}

func TestSampleGoesWithoutLoss(t *testing.T) {
	for _, version := range []string{"7.5.0.1", "8.0", "9.3", "9.4.2"} {
		m := sample(t, version)
		assert.Empty(t, targets.Errors(Target{}.Check(m)), version)
		_, files := emit(t, m)
		if version != "9.4.2" {
			targettest.Golden(t, "ibm-sample-"+version, targettest.Listing(files))
		}
	}
}

func TestModelSurvivesMQSC(t *testing.T) {
	m := sample(t, "")
	m.Listeners[0].Bind = "10.1.2.3"
	m.Listeners[0].Limits.Backlog = 100
	m.Listeners[1].Identity = channels.Identity{User: channels.UserPassword, ClientID: channels.ClientIDAny}
	m.Users.File = "users.passwd"
	m.Listeners[2].ClientCertificate = channels.CertificateOptional
	m.Listeners[4].TLS.Min = "1.3"
	m.Access = []channels.Rule{{Who: "Guest", Allow: []channels.Action{channels.Publish, channels.Subscribe}, Topics: []string{"#", "it's/not/#"}}}
	long := "/var/mqm/" + strings.Repeat("very/", 35) + "deep"
	m.Targets = map[string]channels.TargetNode{"ibmmq": {Raw: []byte("queue_manager: QM1\nkey_repository_dir: " + long + "\njaas: {stanza: MQXRConfig, class: samples.JAASLoginModule}\n")}}
	m.Access[0].Topics = []string{"#"}
	byPath, _ := emit(t, m)
	s, _ := settle(m)
	for _, file := range []string{"define.mqsc", "alter.mqsc"} {
		commands, err := readMQSC(string(byPath[file].Data))
		require.NoError(t, err)
		require.Len(t, commands, len(m.Listeners))
		passphrase := commands[1].keywords["SSLKEYP"]
		for i, want := range channelsOf(s, keyPath(s), passphrase) {
			if want.Backlog == 0 {
				want.Backlog = defaultBacklog
			}
			assert.Equal(t, want, commands[i].channel(), file)
			assert.Subset(t, legal, commands[i].order)
			assert.Equal(t, []string{"CHANNEL", "CHLTYPE", "TRPTYPE"}, commands[i].order[:3])
			_, replace := commands[i].keywords["REPLACE"]
			assert.Equal(t, file == "define.mqsc", replace)
		}
	}
	for file, verbs := range map[string][]string{
		"start.mqsc": {"START"}, "stop.mqsc": {"STOP"}, "display.mqsc": {"DISPLAY", "DISPLAY"}, "delete.mqsc": {"STOP", "DELETE"},
	} {
		commands, err := readMQSC(string(byPath[file].Data))
		require.NoError(t, err)
		require.Len(t, commands, len(verbs)*len(m.Listeners), file)
		assert.Equal(t, verbs[0], commands[0].verb)
		assert.Equal(t, verbs[len(verbs)-1], commands[len(commands)-1].verb)
	}
	assert.Equal(t, "MQXRConfig {\n    samples.JAASLoginModule required;\n};\n", string(byPath["jaas.config"].Data))
}

func TestMQSCQuotesAndFolds(t *testing.T) {
	c := Channel{
		Name: "Mixed.Case", Port: 1, Auth: "REQUIRED", KeyRepository: `C:\Program Files\IBM\` + strings.Repeat("a b", 70), Passphrase: "it's 'quoted' + more",
		User: "Guest", Cipher: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Backlog: 1,
	}
	require.Empty(t, c.Check())
	for _, text := range []string{c.Define(release80), c.Alter(release80)} {
		commands, err := readMQSC(text)
		require.NoError(t, err, text)
		assert.Equal(t, c, commands[0].channel())
	}
}

func TestKeyStoreHoldsEverything(t *testing.T) {
	byPath, _ := emit(t, sample(t, ""))
	commands, err := readMQSC(string(byPath["define.mqsc"].Data))
	require.NoError(t, err)
	passphrase := commands[2].keywords["SSLKEYP"]
	assert.Len(t, passphrase, 32)
	store, err := jksfile.Codec{}.Decode(byPath["server.jks"].Data, keystore.DecodeOptions{Password: keystore.Secret(passphrase)})
	require.NoError(t, err)
	require.Len(t, store.Identities, 1)
	require.NoError(t, store.Identities[0].Locked, "the key's password is the store's")
	assert.Len(t, store.Identities[0].Chain, 2)
	assert.Len(t, store.Anchors, 2, "issuing CA and root")

	path := filepath.Join(t.TempDir(), "server.jks")
	require.NoError(t, os.WriteFile(path, byPath["server.jks"].Data, 0o600))
	for _, jdk := range interop.JDKs(t) {
		out := interop.Run(t, ".", jdk.Tool("keytool"), "-list", "-storetype", "JKS", "-keystore", path, "-storepass", passphrase)
		assert.Contains(t, out, "PrivateKeyEntry", jdk.Version)
		assert.Equal(t, 2, strings.Count(out, "trustedCertEntry"), jdk.Version)
	}
}

func TestSecretsAreFlagged(t *testing.T) {
	byPath, files := emit(t, sample(t, ""))
	commands, err := readMQSC(string(byPath["define.mqsc"].Data))
	require.NoError(t, err)
	for _, f := range files {
		if bytes.Contains(f.Data, []byte(commands[2].keywords["SSLKEYP"])) || f.Path == "server.jks" {
			assert.True(t, f.Secret, f.Path)
			assert.Equal(t, os.FileMode(0o600), f.Mode, f.Path)
		}
	}
}

func TestMTLSPresetIsRefusedByName(t *testing.T) {
	d, err := channels.Preset("mtls", "localhost")
	require.NoError(t, err)
	d.Targets = map[string]channels.TargetNode{"ibmmq": {Raw: []byte("queue_manager: QM1\nmca_user: Guest\n")}}
	m := targets.Model{Deployment: d}
	var losses []string
	for _, p := range targets.Errors(Target{}.Check(m)) {
		require.NotEmpty(t, p.Property, "%s", p)
		assert.NotEmpty(t, p.Source)
		assert.Contains(t, p.String(), "IBM MQ 9.3")
		losses = append(losses, p.Loss().String())
		m.Accept = append(m.Accept, p.Loss())
	}
	slices.Sort(losses)
	assert.Equal(t, []string{
		"*:access", "PLAINWS:identity", "PlainText:identity", "SSLOPT:identity", "SSLOPTWS:identity",
		"SSLREQ:crl", "SSLREQ:identity", "SSLREQWS:crl", "SSLREQWS:identity",
	}, losses)
	_, files := emit(t, m)
	targettest.Golden(t, "mtls-all-losses-9.3", targettest.Listing(files))
	m.Accept = m.Accept[1:]
	_, problems, err := targets.Emit(Target{}, m, targettest.New(t).Material(d))
	require.ErrorIs(t, err, targets.ErrRefused)
	assert.Len(t, targets.Errors(problems), 1)
}

func TestReleases(t *testing.T) {
	m := sample(t, "7.5.0.0")
	var refused []string
	for _, p := range targets.Errors(Target{}.Check(m)) {
		assert.Empty(t, p.Property, "nobody can accept what cannot be said at all")
		refused = append(refused, p.Listener)
	}
	slices.Sort(refused)
	assert.Equal(t, []string{"PLAINWS", "SSLOPT", "SSLOPTWS", "SSLOPTWS", "SSLREQWS"}, refused)

	m.Listeners = []channels.Listener{m.Listeners[0], m.Listeners[2]}
	byPath, _ := emit(t, m)
	assert.NotContains(t, string(byPath["define.mqsc"].Data), "PROTOCOL")
	m.Version = "7.5.0.1"
	byPath, _ = emit(t, m)
	assert.Contains(t, string(byPath["define.mqsc"].Data), "PROTOCOL(MQTTV3)")
	for _, bad := range []string{"7.1", "nine", "9.3.0.0.1", "7.5.0.-1"} {
		m.Version = bad
		assert.Len(t, targets.Errors(Target{}.Check(m)), 1, bad)
	}
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(d *channels.Deployment)
		block  string
		want   string
	}{
		{"a hyphen in a name", func(d *channels.Deployment) { d.Listeners[0].Name = "a-b" }, "", "a channel's name holds"},
		{"a long name", func(d *channels.Deployment) { d.Listeners[0].Name = strings.Repeat("a", 21) }, "", "at most 20 bytes"},
		{"a long user", func(d *channels.Deployment) { d.Listeners[0].Identity.FixedUser = "abcdefghijklm" }, "", "at most 12 bytes"},
		{"a path", func(d *channels.Deployment) { d.Listeners[3].Path = "/ws" }, "", "served at /mqtt"},
		{"client ids", func(d *channels.Deployment) { d.Listeners[3].Identity.ClientID = channels.ClientIDEqual }, "", "PLAINWS:client_id"},
		{"nobody", func(d *channels.Deployment) { d.Listeners[0].Identity.User = channels.UserNone }, "", "mca_user"},
		{"connections", func(d *channels.Deployment) { d.Listeners[0].Limits.Connections = 1 }, "", "PlainText:limits.connections"},
		{"packets", func(d *channels.Deployment) { d.Listeners[0].Limits.PacketBytes = 1000 }, "", "PlainText:limits.packet_bytes"},
		{"TLS 1.3 before 9.2", func(d *channels.Deployment) { d.Listeners[1].TLS.Min = "1.3" }, "version: '9.1'", "SSLOPT:tls.min"},
		{"another CA", func(d *channels.Deployment) { d.Trust = append(d.Trust, channels.Trust{CA: "b", Users: "b*"}) }, "", "*:trust"},
		{"an exact topic", func(d *channels.Deployment) { d.Access[0].Topics = []string{"a/b"} }, "", "*:access"},
		{"a wildcard within", func(d *channels.Deployment) { d.Access[0].Topics = []string{"a/+/#"} }, "", "*:access"},
		{"$SYS", func(d *channels.Deployment) { d.Access[0].Topics = []string{"$SYS/#"} }, "", "*:access"},
		{"an unknown user", func(d *channels.Deployment) { d.Access[0].Who = "bob" }, "", "no channel lets anybody be"},
		{"no queue manager", func(*channels.Deployment) {}, "queue_manager: ''", "the queue manager is not named"},
		{"a queue manager", func(*channels.Deployment) {}, "queue_manager: 'a b'", "cannot be a queue manager"},
		{"a relative folder", func(*channels.Deployment) {}, "key_repository_dir: tls", "no absolute path"},
		{"a long folder", func(*channels.Deployment) {}, "key_repository_dir: /" + strings.Repeat("a", 250), "leaves no room"},
		{"a command for a folder", func(*channels.Deployment) {}, "key_repository_dir: /a$(b)", "mean something to a shell"},
		{"a stanza without a class", func(*channels.Deployment) {}, "jaas: {stanza: A}", "jaas wants"},
		{"a CipherSpec", func(*channels.Deployment) {}, "ssl_cipher: ANY_TLS12", "no JVM cipher suite"},
		{"an unknown key", func(*channels.Deployment) {}, "qm: A", "unknown key"},
		{"an unknown loss", func(*channels.Deployment) {}, "accept_loss: ['SSLREQ:everything']", "is not LISTENER:PROPERTY"},
		{"a loss on no listener", func(*channels.Deployment) {}, "accept_loss: ['XYZ:crl']", `there is no listener "XYZ"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := sample(t, "")
			tc.change(m.Deployment)
			raw := "queue_manager: QM1\n" + tc.block + "\n"
			if strings.HasPrefix(tc.block, "queue_manager") {
				raw = tc.block + "\n"
			}
			m.Targets = map[string]channels.TargetNode{"ibmmq": {Raw: []byte(raw)}}
			var text []string
			for _, p := range targets.Errors(Target{}.Check(m)) {
				text = append(text, p.String())
			}
			assert.Contains(t, strings.Join(text, "\n"), tc.want)
		})
	}
}

func TestAuthority(t *testing.T) {
	m := sample(t, "")
	m.Listeners[0].Identity.FixedUser = "Other"
	m.Access = []channels.Rule{
		{Who: "*", Allow: []channels.Action{channels.Subscribe}, Topics: []string{"news/#"}},
		{Who: "Guest", Allow: []channels.Action{channels.Publish}, Topics: []string{"news/#", "devices/{user}/#"}},
	}
	byPath, _ := emit(t, m)
	assert.Equal(t, `#!/bin/sh
set -e
setmqaut -m MQXR_SAMPLE_QM -t topic -n MQTTPKI.1 -p Guest -all +pub
setmqaut -m MQXR_SAMPLE_QM -t topic -n MQTTPKI.2 -p Guest -all +pub +sub
setmqaut -m MQXR_SAMPLE_QM -t topic -n MQTTPKI.2 -p Other -all +sub
setmqaut -m MQXR_SAMPLE_QM -t q -n SYSTEM.MQTT.TRANSMIT.QUEUE -p Guest -all +put
setmqaut -m MQXR_SAMPLE_QM -t q -n SYSTEM.MQTT.TRANSMIT.QUEUE -p Other -all +put
`, string(byPath["authority.sh"].Data))
	commands, err := readMQSC(string(byPath["define.mqsc"].Data))
	require.NoError(t, err)
	assert.Equal(t, "devices/Guest", commands[0].keywords["TOPICSTR"])
	assert.Equal(t, "news", commands[1].keywords["TOPICSTR"])
}

func TestChannelCheck(t *testing.T) {
	good := Channel{Name: "A", Port: 1}
	require.Empty(t, good.Check())
	for i, bad := range []Channel{
		{Name: "", Port: 1}, {Name: "A", Port: 0}, {Name: "A", Port: 1, Auth: "REQUIRED"}, {Name: "A", Port: 1, KeyRepository: "a", Passphrase: "b", Auth: "MAYBE"},
		{Name: "A", Port: 1, KeyRepository: strings.Repeat("a", 257), Passphrase: "b", Auth: "NEVER"},
		{Name: "A", Port: 1, KeyRepository: "a", Passphrase: strings.Repeat("b", 49), Auth: "NEVER"},
		{Name: "A", Port: 1, User: "a b"}, {Name: "A", Port: 1, Cipher: "x"}, {Name: "A", Port: 1, Backlog: -1}, {Name: "A", Port: 1, JAAS: "é"},
	} {
		assert.Len(t, bad.Check(), 1, fmt.Sprint(i))
	}
}

// FuzzMQSC promises that whatever a channel's texts are, a queue manager reads back what was meant, or Check refuses.
func FuzzMQSC(f *testing.F) {
	f.Add("MQTT.1", "/var/mqm/tls/server.jks", "changeit", "Guest", 1883, true)
	f.Add("A", `C:\Program Files\`+strings.Repeat(" ", 150)+"x", "it's + - )", "a", 1, false)
	f.Add("A", "*", "'", "A", 1, false)
	f.Fuzz(func(t *testing.T, name, repository, passphrase, user string, port int, web bool) {
		c := Channel{Name: name, Port: port, Web: web, Auth: "REQUIRED", KeyRepository: repository, Passphrase: passphrase, User: user, Backlog: 7}
		if len(c.Check()) > 0 {
			return
		}
		for _, text := range []string{c.Define(release80), c.Alter(release80)} {
			commands, err := readMQSC(text)
			require.NoError(t, err, text)
			require.Len(t, commands, 1)
			require.Equal(t, c, commands[0].channel(), text)
			require.Subset(t, legal, commands[0].order)
		}
	})
}
