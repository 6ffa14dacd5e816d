package channels

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// example is the file of the model's own definition.
const example = `
schema: mqttpki.channels/1
server: mqtt.example.com
trust:
  - {ca: self, crl: self}
  - {ca: partner.crt, crl: partner.crl, users: "partner-*"}
revocation: {crl: true}
listeners:
  - name: SSLREQWS
    bind: 0.0.0.0
    port: 8887
    transport: wss
    client_certificate: required
    identity: {user: cn, client_id: owned}
    tls: {min: "1.2", ciphers: modern}
    path: /mqtt
    limits: {connections: 0, packet_bytes: 1048576, backlog: 4096}
users: {file: users.passwd}
access:
  - {who: "*", allow: [publish, subscribe], topics: ["devices/{user}/#"]}
  - {who: "ops-*", allow: [publish, subscribe], topics: ["#"]}
targets:
  ibmmq:
    {version: "9.3", queue_manager: MQXR_SAMPLE_QM, mca_user: Guest, key_repository_dir: /var/mqm/tls}
  mosquitto:
    {version: "2.0", config_dir: /etc/mosquitto, run_as: mosquitto, accept_loss: ["SSLREQWS:crl"]}
`

func TestParseExample(t *testing.T) {
	d, err := Parse([]byte(example))
	require.NoError(t, err)
	assert.Empty(t, d.Validate())
	assert.Equal(t, []Trust{{"self", "self", ""}, {"partner.crt", "partner.crl", "partner-*"}}, d.Trust)
	assert.Equal(t, []Listener{{
		Name: "SSLREQWS", Bind: "0.0.0.0", Port: 8887, Transport: WSS, ClientCertificate: CertificateRequired,
		Identity: Identity{User: UserCN, ClientID: ClientIDOwned}, TLS: TLSOptions{"1.2", "modern"}, Path: "/mqtt",
		Limits: Limits{0, 1048576, 4096},
	}}, d.Listeners)
	var block struct {
		Version string   `yaml:"version"`
		Dir     string   `yaml:"config_dir"`
		RunAs   string   `yaml:"run_as"`
		Accept  []string `yaml:"accept_loss"`
	}
	require.NoError(t, d.Targets["mosquitto"].Decode(&block))
	assert.Equal(t, []string{"SSLREQWS:crl"}, block.Accept)
	err = d.Targets["ibmmq"].Decode(&block)
	require.ErrorContains(t, err, `line 24, column 22: error: targets.ibmmq.queue_manager: unknown key; known here: version, config_dir, run_as, accept_loss`)
	assert.Equal(t, "0.0.0.0:8887", d.Listeners[0].Address())
}

func TestParseFillsDefaults(t *testing.T) {
	d, err := Parse([]byte(`
schema: mqttpki.channels/1
server: a
trust: [{ca: self}]
listeners:
  - {name: tls, port: 1, transport: tls}
  - {name: ws, port: 2, transport: ws}
users: {file: u}
`))
	require.NoError(t, err)
	assert.Equal(t, []Listener{
		{Name: "tls", Bind: "0.0.0.0", Port: 1, Transport: TLS, ClientCertificate: CertificateRequired,
			Identity: Identity{User: UserCN, ClientID: ClientIDOwned}, TLS: TLSOptions{"1.2", "modern"}},
		{Name: "ws", Bind: "127.0.0.1", Port: 2, Transport: WS, ClientCertificate: CertificateNone,
			Identity: Identity{User: UserPassword, ClientID: ClientIDOwned}, Path: "/mqtt"},
	}, d.Listeners)
}

func TestParseReportsEverything(t *testing.T) {
	_, err := Parse([]byte(`schema: mqttpki.channels/2
trust:
  - {ca: self}
  - {ca: other.crt, crl: self}
revocation: {crl: true}
listeners:
  - {name: A, port: 1883, transport: tcp, client_certificate: required, path: /x, tls: {min: "1.2"}}
  - {name: a, port: 1883, transport: tls, client_certificate: optional, identity: {user: cn, client_id: mine}}
  - {name: "b c", port: 70000, transport: quic, idenity: {user: cn}}
  - {name: D, port: "8886", transport: wss, bind: localhost, path: mqtt, tls: {min: "1.1", ciphers: all}}
  - {name: E, port: 1, transport: ws, identity: {user: none, client_id: equal}, crl: true, limits: {connections: -1}}
  - {name: F, port: 2, transport: tls, client_certificate: none, identity: {user: "fixed:a/b"}}
access:
  - {who: "", allow: [read], topics: ["a/#/b", "x{user}", "$share/g/a", ""]}
  - {who: "*", allow: [], topics: []}
`))
	require.ErrorIs(t, err, keystore.ErrFormat)
	assert.Equal(t, strings.TrimSpace(`
line 1, column 1: error: server: no server is named, and a listener with TLS needs its key and certificate
line 1, column 9: error: schema: "mqttpki.channels/2" is not "mqttpki.channels/1", the only one that this version reads
line 3, column 5: error: trust[0].crl: a listener checks certificates against CRLs, and this CA has none
line 4, column 5: error: trust[1].users: a CA other than self must be bounded to the users it may name
line 4, column 26: error: trust[1].crl: the CRL of this PKI says nothing about the clients of "other.crt"
line 7, column 63: error: listeners[0].client_certificate: a client shows its certificate in TLS, and tcp has none
`), strings.Join(strings.Split(err.Error(), "\n")[:6], "\n"))
	for _, want := range []string{
		"listeners[0].client_certificate: a client shows its certificate in TLS, and tcp has none",
		"listeners[0].path: tcp has no path; only ws and wss have",
		"listeners[0].tls: tcp has no TLS",
		`line 8, column 12: error: listeners[1].name: the name "a" is taken by listener "A"`,
		`line 8, column 21: error: listeners[1].port: port 1883 is taken by listener "A"`,
		"listeners[1].identity.user: the user is named by the certificate (cn), which is optional here",
		`listeners[1].identity.client_id: "mine" is not one of owned, equal, prefix, any`,
		`listeners[2].idenity: unknown key; known here: name, bind, port,`,
		`listeners[2].name: "b c" is no listener's name`,
		"listeners[2].port: a port is 1 to 65535, not 70000",
		`listeners[2].transport: "quic" is not one of tcp, tls, ws, wss`,
		"line 10, column 21: error: listeners[3].port: text where a whole number is wanted",
		`listeners[3].bind: "localhost" is no IP address`,
		`listeners[3].path: "mqtt" is no path`,
		`listeners[3].tls.min: "1.1" is not one of 1.2, 1.3`,
		`listeners[3].tls.ciphers: "all" is not one of modern, compatible`,
		"listeners[4].identity.client_id: nobody has a name that a client id could be compared with",
		"listeners[4].crl: the listener asks for no certificate that a CRL could revoke",
		"listeners[4].limits.connections: -1 is not between 0",
		`listeners[5].identity.user: "fixed:a/b": a user's name is`,
		"access[0].who: a user pattern has 1 to 256 bytes",
		`access[0].allow[0]: "read" is not one of publish, subscribe`,
		`access[0].topics[0]: topic filter "a/#/b": # is the last level`,
		`access[0].topics[1]: topic filter "x{user}": {user} stands alone`,
		`access[0].topics[2]: topic filter "$share/g/a": a rule names the topics themselves`,
		`access[0].topics[3]: topic filter "": a topic is not empty`,
		"access[1].allow: the rule allows nothing",
		"access[1].topics: the rule names no topics",
	} {
		assert.Contains(t, err.Error(), want)
	}
	assert.NotContains(t, err.Error(), "listeners[2].identity.", "what a misspelt key leaves out is not reported again")
	assert.NotContains(t, err.Error(), "listeners[3].port: a port is", "one value, one problem")
}

func TestParseBounds(t *testing.T) {
	_, err := Parse([]byte(strings.Repeat("#\n", maxFile)))
	require.ErrorIs(t, err, keystore.ErrTooLarge)
	_, err = Parse(nil)
	require.EqualError(t, err, "line 1, column 1: error: the file is empty")
}

// FuzzParse promises a model without errors, which YAML writes and Parse reads back the same, or an error of a known
// kind.
func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	for _, name := range PresetNames() {
		d, err := Preset(name, "localhost")
		require.NoError(f, err)
		f.Add(d.YAML())
	}
	f.Add([]byte("schema: mqttpki.channels/1\nlisteners: [{name: a, port: 1, transport: tcp}]\ntargets: {x: {y: [1, 'z']}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data)
		if err != nil {
			if d != nil || keystore.KindOf(err) == nil {
				t.Fatalf("got %v with error %v; want nil and one of the kinds", d, err)
			}
			return
		}
		d.Targets = nil // written as they stood, in YAML that only their target can judge
		back, err := Parse(d.YAML())
		if err != nil {
			t.Fatalf("cannot read back what was written: %v\n%s", err, d.YAML())
		}
		assert.Equal(t, string(d.YAML()), string(back.YAML()))
		assert.Equal(t, d.Access, back.Access)
	})
}
