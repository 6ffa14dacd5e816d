// Package mosquitto turns the channel model into a configuration of Eclipse Mosquitto 2.0 or 2.1: a file for its
// conf.d, one access list for users who have names and one for each listener whose users have none, the password
// file, and keys, certificates and CRLs in PEM.
//
// What is emitted has been run by mosquitto 2.0.11; see the tests. For 2.1 the facts are from its manual.
package mosquitto

import (
	"cmp"
	"path"
	"slices"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
)

// block is what may stand in the model under targets.mosquitto.
type block struct {
	Version    string   `yaml:"version"`    // 2.0 or 2.1
	ConfigDir  string   `yaml:"config_dir"` // /etc/mosquitto
	RunAs      string   `yaml:"run_as"`     // the user, and its group, that the broker drops to; mosquitto
	AcceptLoss []string `yaml:"accept_loss"`
}

// Target is Mosquitto.
type Target struct{}

// Product returns the facts of Mosquitto.
func (Target) Product() targets.Product {
	return targets.Product{
		Name: "mosquitto", Title: "Mosquitto", Versions: []string{"2.0", "2.1"}, Default: "2.0", Tried: []string{"2.0.11"},
		Formats: []string{"PEM"}, Roots: true,
		Owner:    "the user mosquitto, which the broker becomes before it reads them: a key of root with mode 0600 is refused",
		Reload:   "SIGHUP, for certificates, CRLs, access lists and passwords on tls listeners; a restart for wss certificates, ports and addresses",
		Checking: "2.1 has --test-config; 2.0 has nothing but a start on other ports",
		Limits:   limits(),
	}
}

// settle reads the target's block and puts the settings together.
func settle(m targets.Model) (targets.Settings, []targets.Problem) {
	var b block
	problems := targets.BlockProblems(m.Targets[Target{}.Product().Name].Decode(&b))
	b.ConfigDir = cmp.Or(b.ConfigDir, "/etc/mosquitto")
	b.RunAs = cmp.Or(b.RunAs, "mosquitto")
	s, more := targets.Settle(Target{}.Product(), m, targets.Common{Version: b.Version, AcceptLoss: b.AcceptLoss}, b)
	return s, append(problems, more...)
}

// blockOf returns the target's own settings.
func blockOf(s targets.Settings) block { return s.Block.(block) }

// Check returns what Mosquitto cannot express of the model.
func (t Target) Check(m targets.Model) []targets.Problem {
	s, problems := settle(m)
	return append(problems, targets.Review(t.Product(), s)...)
}

// Paths under the configuration's folder.
const (
	confPath  = "conf.d/mqttpki.conf"
	ownDir    = "mqttpki"
	certPath  = ownDir + "/server.crt"
	keyPath   = ownDir + "/server.key"
	caPath    = ownDir + "/clients-ca.crt"
	crlPath   = ownDir + "/clients.crl"
	usersPath = ownDir + "/users"
	aclPath   = ownDir + "/users.acl"
)

// dest returns where a file belongs on the broker's machine.
func dest(s targets.Settings, name string) string { return path.Join(blockOf(s).ConfigDir, name) }

// aclOf returns the access list of a listener.
func aclOf(l *channels.Listener) string {
	if identityOf(l) == channels.UserNone {
		return ownDir + "/" + l.Name + ".acl"
	}
	return aclPath
}

// identityOf returns where Mosquitto takes the user from. A fixed user, and names that only other products read from
// a certificate once that loss was accepted, are nobody's: every client may claim any name there, so none counts.
func identityOf(l *channels.Listener) channels.UserSource {
	switch l.Identity.User {
	case channels.UserCN, channels.UserSubject, channels.UserPassword:
		return l.Identity.User
	}
	return channels.UserNone
}

// uses reports whether any listener is of some kind.
func uses(s targets.Settings, is func(l channels.Listener) bool) bool {
	return slices.ContainsFunc(s.Listeners, is)
}

// asks reports whether the listener asks for a certificate here: one that is optional cannot be, and is not asked for.
func asks(l channels.Listener) bool { return l.ClientCertificate == channels.CertificateRequired }

// packetBytes returns the one limit on packets that all listeners share, 0 when they have none or differ.
func packetBytes(s targets.Settings) int {
	if len(s.Listeners) == 0 {
		return 0
	}
	first := s.Listeners[0].Limits.PacketBytes
	if uses(s, func(l channels.Listener) bool { return l.Limits.PacketBytes != first }) {
		return 0
	}
	return first
}
