package mosquitto

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
)

// Where facts are from.
const (
	srcConf  = "mosquitto.conf(5)"
	srcTried = "tried with 2.0.11"
	srcSrc   = "source of 2.0, security_default.c"
	src21    = "ChangeLog of 2.1.0"
)

// limits is what Mosquitto cannot express.
func limits() []targets.Limit {
	return slices.Concat(blockLimits(), tlsLimits(), identityLimits(), otherLimits())
}

// blockLimits are those of the block and of the whole model.
func blockLimits() []targets.Limit {
	return []targets.Limit{
		{Field: "targets.mosquitto.config_dir", Source: srcConf, Whole: func(s targets.Settings) string {
			if dir := blockOf(s).ConfigDir; !targets.PlainPath(dir) {
				return fmt.Sprintf("%q is no absolute path of letters, digits and . _ - between slashes", dir)
			}
			return ""
		}},
		{Field: "targets.mosquitto.run_as", Whole: func(s targets.Settings) string {
			if user := blockOf(s).RunAs; !targets.UnixUser(user) {
				return fmt.Sprintf("%q is no user of a Unix machine", user)
			}
			return ""
		}},
		{Severity: channels.Warning, Since: "2.1", Source: src21, Whole: func(targets.Settings) string {
			return "per_listener_settings, acl_file and password_file still work, and are to go with 3.0; a reload that meets an unreadable access list ends the broker"
		}},
	}
}

// tlsLimits are those of certificates, CRLs and TLS.
func tlsLimits() []targets.Limit {
	return []targets.Limit{
		{Property: targets.Certificate, Field: "client_certificate", Source: srcTried, Listener: func(_ targets.Settings, l *channels.Listener) string {
			if l.ClientCertificate == channels.CertificateOptional {
				return "a certificate is required or never asked for; with this loss it is not asked for"
			}
			return ""
		}},
		{Property: targets.CRL, Field: "crl", Until: "2.1", Source: srcTried, Listener: func(s targets.Settings, l *channels.Listener) string {
			if l.Transport == channels.WSS && s.UsesCRL(l) && asks(*l) {
				return "crlfile is ignored on WebSockets: a revoked certificate gets in"
			}
			return ""
		}},
		{Severity: channels.Warning, Field: "crl", Since: "2.1", Source: src21, Listener: func(s targets.Settings, l *channels.Listener) string {
			if l.Transport == channels.WSS && s.UsesCRL(l) {
				return "CRLs hold on WebSockets from 2.1 on, unless it was built with libwebsockets; make sure with mqttpki verify"
			}
			return ""
		}},
		{Severity: channels.Warning, Field: "crl", Source: srcTried, Listener: func(s targets.Settings, l *channels.Listener) string {
			if l.Transport == channels.TLS && s.UsesCRL(l) && asks(*l) {
				return "a CRL past its nextUpdate refuses every client: renew and install it in time; a session that is open when its certificate is revoked stays open"
			}
			return ""
		}},
		{Property: targets.TLSMin, Field: "tls.min", Until: "2.1", Source: srcTried, Listener: func(_ targets.Settings, l *channels.Listener) string {
			if l.Transport == channels.WSS && (l.TLS.Min == "1.3" || l.TLS.Ciphers == channels.CiphersCompatible) {
				return "tls_version is ignored on WebSockets: only modern cipher suites keep out what is older than TLS 1.2"
			}
			return ""
		}},
		{Severity: channels.Warning, Field: "transport", Until: "2.1", Source: srcTried, Listener: func(_ targets.Settings, l *channels.Listener) string {
			if l.Transport == channels.WSS {
				return "a new server certificate is read at a restart only on WebSockets, and clients refused in TLS leave no line in the log"
			}
			return ""
		}},
		{Property: targets.Trust, Field: "trust", Source: srcConf, Whole: func(s targets.Settings) string {
			for _, t := range s.Trust {
				if t.Users != "" {
					return fmt.Sprintf("that the CA %q may name only %q cannot be said, and of several CNs the first counts", t.CA, t.Users)
				}
			}
			return ""
		}},
	}
}

// identityLimits are those of users, client ids and rules.
func identityLimits() []targets.Limit {
	return []targets.Limit{
		{Property: targets.Identity, Field: "identity.user", Source: srcConf, Listener: func(_ targets.Settings, l *channels.Listener) string {
			if l.Identity.User.FromCertificate() && identityOf(l) == channels.UserNone {
				return fmt.Sprintf("the user is the CN or the whole subject, not %s; with this loss everybody is anonymous there", l.Identity.User)
			}
			return ""
		}},
		{Severity: channels.Warning, Field: "identity.user", Source: srcTried, Listener: func(_ targets.Settings, l *channels.Listener) string {
			if identityOf(l) == channels.UserNone {
				return "a client may call itself anything there; its rights are the same whatever it says"
			}
			return ""
		}},
		{Severity: channels.Warning, Field: "identity.user", Source: srcSrc, Listener: func(s targets.Settings, l *channels.Listener) string {
			if l.Identity.User == channels.UserSubject && slices.ContainsFunc(s.Access, hasUserLevel) {
				return "a subject that holds / spans several levels where a rule says {user}"
			}
			return ""
		}},
		{Property: targets.ClientID, Field: "identity.client_id", Source: srcConf, Listener: func(_ targets.Settings, l *channels.Listener) string {
			switch {
			case l.Identity.ClientID == channels.ClientIDPrefix:
				return "a client id cannot be compared with the beginning of the user's name"
			case l.Identity.ClientID == channels.ClientIDEqual && identityOf(l) == channels.UserNone:
				return "there is no user whose name the client id could be"
			}
			return ""
		}},
		{Severity: channels.Warning, Field: "identity.client_id", Source: srcConf, Listener: func(_ targets.Settings, l *channels.Listener) string {
			switch {
			case l.Identity.ClientID == channels.ClientIDOwned:
				return "client ids are not owned: another user who connects with an id takes over its session; with client_id: equal nobody can"
			case l.Identity.ClientID == channels.ClientIDEqual && identityOf(l) != channels.UserNone:
				return "another client id is not refused but replaced by the user's name (use_username_as_clientid)"
			}
			return ""
		}},
		{Property: targets.Access, Source: srcConf, Rule: func(s targets.Settings, r *channels.Rule) string {
			return ruleLoss(s, r)
		}},
		{Severity: channels.Warning, Source: srcSrc, Field: "access", Whole: func(s targets.Settings) string {
			if len(s.Access) == 0 {
				return ""
			}
			return "a subscription that is not allowed is answered as if it were, and delivers nothing; client ids with + or # may do nothing"
		}},
	}
}

// hasUserLevel reports whether a rule says {user}.
func hasUserLevel(r channels.Rule) bool {
	return slices.ContainsFunc(r.Topics, func(t string) bool { return strings.Contains(t, "{user}") })
}

// otherLimits are the rest.
func otherLimits() []targets.Limit {
	return []targets.Limit{
		{Property: targets.PacketBytes, Field: "limits.packet_bytes", Source: srcConf, Listener: func(s targets.Settings, l *channels.Listener) string {
			if l.Limits.PacketBytes > 0 && packetBytes(s) == 0 {
				return "max_packet_size is one for all listeners, and they differ; with this loss there is none"
			}
			return ""
		}},
		{Severity: channels.Warning, Field: "limits.backlog", Source: "source of 2.0, net.c", Listener: func(_ targets.Settings, l *channels.Listener) string {
			if l.Limits.Backlog > 0 {
				return "the queue of connections not yet accepted has its own fixed length"
			}
			return ""
		}},
		{Severity: channels.Warning, Field: "path", Source: srcTried, Listener: func(_ targets.Settings, l *channels.Listener) string {
			if l.Transport.WebSocket() {
				return fmt.Sprintf("WebSockets are served at every path, %s among them", l.Path)
			}
			return ""
		}},
	}
}
