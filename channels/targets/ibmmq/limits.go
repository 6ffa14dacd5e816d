package ibmmq

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
)

// Where facts are from.
const (
	srcDefine   = "IBM MQ documentation, DEFINE CHANNEL (MQTT)"
	srcIdentity = "IBM MQ documentation, MQTT client identity and authorization"
	srcTLS      = "IBM MQ documentation, Telemetry channel configuration using TLS"
	srcAuthrec  = "IBM MQ documentation, setmqaut and topic security"
)

// limits is what IBM MQ cannot express.
func limits() []targets.Limit {
	return slices.Concat(objectLimits(), tlsLimits(), identityLimits(), otherLimits())
}

// objectLimits are those of names and of the block.
func objectLimits() []targets.Limit {
	return []targets.Limit{
		{Field: "name", Source: srcDefine, Listener: func(_ targets.Settings, l *channels.Listener) string { return checkName(l.Name) }},
		{Field: "targets.ibmmq.queue_manager", Whole: func(s targets.Settings) string {
			name := blockOf(s).QueueManager
			if name == "" {
				return "the queue manager is not named: targets.ibmmq.queue_manager"
			}
			if len(name) > 48 || !objectName.MatchString(name) {
				return fmt.Sprintf("%q cannot be a queue manager: letters, digits and . / _ %%, 48 at most", name)
			}
			return ""
		}},
		{Field: "targets.ibmmq.key_repository_dir", Source: srcDefine, Whole: func(s targets.Settings) string {
			return checkFolder(blockOf(s).RepositoryDir)
		}},
		{Field: "targets.ibmmq.mca_user", Source: srcDefine, Whole: func(s targets.Settings) string {
			if user := blockOf(s).MCAUser; user != "" {
				return checkUser(user)
			}
			return ""
		}},
		{Field: "targets.ibmmq.jaas", Whole: func(s targets.Settings) string {
			j := blockOf(s).JAAS
			if j == (jaasBlock{}) || stanzaName.MatchString(j.Stanza) && len(j.Stanza) <= maxStanza && className.MatchString(j.Class) {
				return ""
			}
			return "jaas wants the name of a stanza and the class of a login module"
		}},
		{Field: "targets.ibmmq.ssl_cipher", Whole: func(s targets.Settings) string {
			if suite := blockOf(s).SSLCipher; suite != "" && !suiteName().MatchString(suite) {
				return fmt.Sprintf("%q is no JVM cipher suite, such as TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384; an MQ CipherSpec is not meant", suite)
			}
			return ""
		}},
	}
}

// tlsLimits are those of transports, certificates and TLS.
func tlsLimits() []targets.Limit {
	return []targets.Limit{
		{Field: "transport", Until: "7.5.0.1", Source: srcDefine, Listener: func(_ targets.Settings, l *channels.Listener) string {
			if l.Transport.WebSocket() {
				return "there are no WebSockets before 7.5.0.1: PROTOCOL(HTTP) came with it"
			}
			return ""
		}},
		{Field: "client_certificate", Until: "7.5.0.1", Source: srcDefine, Listener: func(_ targets.Settings, l *channels.Listener) string {
			if l.Transport.Encrypted() && l.ClientCertificate == channels.CertificateNone {
				return "before 7.5.0.1 a TLS channel always asks for a certificate: SSLCAUTH(NEVER) came with it"
			}
			return ""
		}},
		{Property: targets.CRL, Field: "crl", Source: srcTLS, Listener: func(s targets.Settings, l *channels.Listener) string {
			if s.UsesCRL(l) {
				return "a channel reads no CRL file: revocation needs an LDAP or OCSP server behind the queue manager's SSLCRLNL"
			}
			return ""
		}},
		{Property: targets.TLSMin, Field: "tls.min", Source: srcTLS, Listener: func(s targets.Settings, l *channels.Listener) string {
			suite := cipherOf(s, l)
			if l.TLS.Min == "1.3" && !strings.HasPrefix(suite, "TLS_AES_") && !strings.HasPrefix(suite, "TLS_CHACHA20_") {
				return "the lowest TLS version is the service's Java's to choose; only a TLS 1.3 cipher suite (ssl_cipher, from 9.2) makes sure of 1.3"
			}
			return ""
		}},
		{Severity: channels.Warning, Field: "tls", Source: srcTLS, Listener: func(s targets.Settings, l *channels.Listener) string {
			if l.Transport.Encrypted() && cipherOf(s, l) == "" {
				return fmt.Sprintf("TLS %s or later with %s cipher suites cannot be asked for: what the service's Java enables is allowed; ssl_cipher allows a single suite", l.TLS.Min, l.TLS.Ciphers)
			}
			return ""
		}},
		{Property: targets.Trust, Field: "trust", Source: srcIdentity, Whole: func(s targets.Settings) string {
			for _, t := range s.Trust {
				if t.Users != "" {
					return fmt.Sprintf("that the CA %q may name only %q cannot be said: every client of a trusted CA is let in", t.CA, t.Users)
				}
			}
			return ""
		}},
	}
}

// identityLimits are those of users, client ids and rules.
func identityLimits() []targets.Limit {
	return []targets.Limit{
		{Property: targets.Identity, Field: "identity.user", Source: srcIdentity, Listener: func(s targets.Settings, l *channels.Listener) string {
			switch {
			case l.Identity.User.FromCertificate():
				return fmt.Sprintf("no user comes from the certificate (%s): it lets a client in and is not looked at again", l.Identity.User)
			case l.Identity.User == channels.UserPassword && blockOf(s).JAAS.Stanza == "":
				return "passwords are checked by a JAAS login module alone: name one in targets.ibmmq.jaas"
			}
			return ""
		}},
		{Field: "identity.user", Source: srcIdentity, Listener: func(s targets.Settings, l *channels.Listener) string {
			if userOf(s, l) == "" && !nameless(s, l) {
				return "everybody needs to be some principal here: name it in targets.ibmmq.mca_user"
			}
			return ""
		}},
		{Field: "identity.user", Source: srcDefine, Listener: func(_ targets.Settings, l *channels.Listener) string {
			if l.Identity.User == channels.UserFixed {
				return checkUser(l.Identity.FixedUser)
			}
			return ""
		}},
		{Severity: channels.Warning, Field: "identity.user", Source: srcIdentity, Listener: func(s targets.Settings, l *channels.Listener) string {
			if l.Identity.User == channels.UserPassword && blockOf(s).JAAS.Stanza != "" {
				return "the login module has its own users: those of users.file are not known to it; names of more than 12 bytes cannot be principals"
			}
			return ""
		}},
		{Property: targets.ClientID, Field: "identity.client_id", Source: srcIdentity, Listener: func(_ targets.Settings, l *channels.Listener) string {
			if l.Identity.ClientID == channels.ClientIDEqual || l.Identity.ClientID == channels.ClientIDPrefix {
				return "a client id is not compared with the user: USECLTID(YES) would make any id a user instead"
			}
			return ""
		}},
		{Severity: channels.Warning, Field: "identity.client_id", Source: srcIdentity, Listener: func(_ targets.Settings, l *channels.Listener) string {
			if l.Identity.ClientID == channels.ClientIDOwned {
				return "client ids are not owned: whoever connects with an id takes over its session; ids have at most 23 bytes"
			}
			return ""
		}},
		{Property: targets.Access, Source: srcAuthrec, Rule: func(s targets.Settings, r *channels.Rule) string {
			_, why := ruleGrants(s, r)
			return why
		}},
	}
}

// nameless reports whether a listener needs no principal of its own: a login module names the users, or the listener
// is refused for its users anyway.
func nameless(s targets.Settings, l *channels.Listener) bool {
	if l.Identity.User == channels.UserPassword && blockOf(s).JAAS.Stanza != "" {
		return true
	}
	lost := l.Identity.User.FromCertificate() || l.Identity.User == channels.UserPassword
	return lost && !s.Accepted(l.Name, targets.Identity)
}

// otherLimits are the rest.
func otherLimits() []targets.Limit {
	return []targets.Limit{
		{Property: targets.Connections, Field: "limits.connections", Source: srcDefine, Listener: func(_ targets.Settings, l *channels.Listener) string {
			if l.Limits.Connections > 0 {
				return "a channel does not limit its connections"
			}
			return ""
		}},
		{Property: targets.PacketBytes, Field: "limits.packet_bytes", Source: srcDefine, Listener: func(_ targets.Settings, l *channels.Listener) string {
			if l.Limits.PacketBytes > 0 {
				return "a channel does not limit the size of a packet; the queue manager's MAXMSGL is for all channels"
			}
			return ""
		}},
		{Field: "path", Source: "IBM MQ Telemetry, messaging client for JavaScript", Listener: func(_ targets.Settings, l *channels.Listener) string {
			if l.Transport.WebSocket() && l.Path != "/mqtt" {
				return fmt.Sprintf("WebSockets are served at /mqtt, not at %s", l.Path)
			}
			return ""
		}},
	}
}
