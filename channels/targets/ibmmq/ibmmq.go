// Package ibmmq turns the channel model into the MQTT channels of IBM MQ Telemetry (the MQXR service): MQSC commands
// to define, alter, start, stop, show and delete them, the key store that all TLS channels share, authorities and a
// JAAS stanza. The queue manager itself is never made, changed or deleted.
//
// The product was not at hand: facts are from IBM's documentation, and golden files and a reader of MQSC stand in for
// it in the tests.
package ibmmq

import (
	"cmp"
	"strings"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
)

// Releases that brought something.
var (
	release7501 = targets.Version{7, 5, 0, 1} // PROTOCOL, SSLCAUTH(NEVER)
	release80   = targets.Version{8}          // MQTT 3.1.1
	release92   = targets.Version{9, 2}       // TLS 1.3 in the service's Java
)

// block is what may stand in the model under targets.ibmmq.
type block struct {
	Version       string    `yaml:"version"`            // of IBM MQ, up to four parts; 9.3
	QueueManager  string    `yaml:"queue_manager"`      // needed
	MCAUser       string    `yaml:"mca_user"`           // who everybody is on listeners that name nobody
	RepositoryDir string    `yaml:"key_repository_dir"` // where the key store lies; /var/mqm/tls
	JAAS          jaasBlock `yaml:"jaas"`               // who checks passwords
	SSLCipher     string    `yaml:"ssl_cipher"`         // the one JVM cipher suite that is allowed; "" is every enabled one
	AcceptLoss    []string  `yaml:"accept_loss"`
}

// jaasBlock is a login module.
type jaasBlock struct {
	Stanza string `yaml:"stanza"` // its name in jaas.config
	Class  string `yaml:"class"`  // of the login module
}

// Target is IBM MQ.
type Target struct{}

// Product returns the facts of IBM MQ Telemetry.
func (Target) Product() targets.Product {
	return targets.Product{
		Name: "ibmmq", Title: "IBM MQ", Default: "9.3",
		Versions: []string{"7.5.0.0", "7.5.0.1", "8.0", "9.2", "9.3"},
		Formats:  []string{"JKS"},
		Owner:    "the user that runs the MQXR service, usually mqm",
		Reload:   "STOP CHANNEL and START CHANNEL; the MQXR service reads a changed key store when a channel starts",
		Checking: "runmqsc -v checks the syntax only, and only DEFINE tells the rest",
		Limits:   limits(),
	}
}

// settle reads the target's block and puts the settings together.
func settle(m targets.Model) (targets.Settings, []targets.Problem) {
	var b block
	problems := targets.BlockProblems(m.Targets[Target{}.Product().Name].Decode(&b))
	b.RepositoryDir = cmp.Or(b.RepositoryDir, "/var/mqm/tls")
	s, more := targets.Settle(Target{}.Product(), m, targets.Common{Version: b.Version, AcceptLoss: b.AcceptLoss}, b)
	return s, append(problems, more...)
}

// Check returns what IBM MQ cannot express of the model.
func (t Target) Check(m targets.Model) []targets.Problem {
	s, problems := settle(m)
	return append(problems, targets.Review(t.Product(), s)...)
}

// blockOf returns the target's own settings.
func blockOf(s targets.Settings) block { return s.Block.(block) }

// channelsOf returns the model's listeners as channels. keyPath and passphrase are those of the key store.
func channelsOf(s targets.Settings, keyPath, passphrase string) []Channel {
	var out []Channel
	for i := range s.Listeners {
		l := &s.Listeners[i]
		c := Channel{Name: l.Name, Port: l.Port, Web: l.Transport.WebSocket(), Backlog: l.Limits.Backlog, User: userOf(s, l)}
		if l.Transport.Encrypted() {
			c.KeyRepository, c.Passphrase = keyPath, passphrase
			c.Auth = map[channels.ClientCertificate]string{
				channels.CertificateNone: "NEVER", channels.CertificateOptional: "OPTIONAL", channels.CertificateRequired: "REQUIRED",
			}[l.ClientCertificate]
			c.Cipher = cipherOf(s, l)
		}
		if l.Identity.User == channels.UserPassword {
			c.JAAS = blockOf(s).JAAS.Stanza
		}
		if l.Bind != "0.0.0.0" && l.Bind != "::" {
			c.LocalAddress = l.Bind
		}
		out = append(out, c)
	}
	return out
}

// userOf returns the MCAUSER of a listener: the fixed user; where nobody has a name, or where it was accepted that the
// certificate's is lost, the block's; "" where users have passwords, so that the user name they give counts.
func userOf(s targets.Settings, l *channels.Listener) string {
	switch l.Identity.User {
	case channels.UserFixed:
		return l.Identity.FixedUser
	case channels.UserPassword:
		if blockOf(s).JAAS.Stanza != "" {
			return ""
		}
	}
	return blockOf(s).MCAUser
}

// cipherOf returns the cipher suite of a listener: the block's, or one of TLS 1.3 where that is the least allowed.
func cipherOf(s targets.Settings, l *channels.Listener) string {
	if suite := blockOf(s).SSLCipher; suite != "" {
		return suite
	}
	if l.TLS.Min == "1.3" && !s.Release.Before(release92) {
		return "TLS_AES_256_GCM_SHA384"
	}
	return ""
}

// keyPath returns the path of the key store on the queue manager's machine.
func keyPath(s targets.Settings) string {
	dir := blockOf(s).RepositoryDir
	separator := "/"
	if strings.Contains(dir, `\`) {
		separator = `\`
	}
	return strings.TrimRight(dir, `/\`) + separator + keyFile
}
