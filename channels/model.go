// Package channels is the model of what a broker's listeners are to be: one Deployment, read from channels.yaml,
// that every target turns into its own configuration, the bundled broker runs and the probe proves.
//
// "Channel" is IBM MQ's word for what everybody else calls a listener; the model says listener.
package channels

import (
	"net"
	"strconv"

	"github.com/mqttpki/mqttpki/channels/strictyaml"
)

// Schema is the value of the first line of a channels.yaml that this version reads.
const Schema = "mqttpki.channels/1"

// Deployment is one broker's listeners and the rules that hold on them.
type Deployment struct {
	Schema     string
	Server     string     // the server identity in the PKI; its SANs must cover the hosts clients dial
	Trust      []Trust    // whose clients may connect
	Revocation Revocation // for all listeners that do not say otherwise
	Listeners  []Listener // in the order of the file
	Users      Users
	Access     []Rule                // what no rule allows is denied
	Targets    map[string]TargetNode // what only one product needs, by target name

	positions strictyaml.Positions // of the values in the file it was parsed from; nil when it came from none
}

// Trust names a CA whose clients may connect.
type Trust struct {
	CA    string // "self", or the path of a PEM file, relative to the model's file
	CRL   string // "self", a path, or "" for none
	Users string // pattern with * of the user names this CA may give; "" is any, and only "self" may have that
}

// Revocation says whether certificates are checked against CRLs.
type Revocation struct {
	CRL bool
}

// Transport is how MQTT bytes travel.
type Transport string

// The transports.
const (
	TCP Transport = "tcp"
	TLS Transport = "tls"
	WS  Transport = "ws"
	WSS Transport = "wss"
)

// Encrypted reports whether the transport is TLS.
func (t Transport) Encrypted() bool { return t == TLS || t == WSS }

// WebSocket reports whether MQTT travels in WebSocket frames.
func (t Transport) WebSocket() bool { return t == WS || t == WSS }

// ClientCertificate says whether a listener asks clients for a certificate.
type ClientCertificate string

// The certificate policies; IBM MQ's SSLCAUTH calls them NEVER, OPTIONAL and REQUIRED.
const (
	CertificateNone     ClientCertificate = "none"
	CertificateOptional ClientCertificate = "optional"
	CertificateRequired ClientCertificate = "required"
)

// Listener is one port.
type Listener struct {
	Name              string
	Bind              string // IP address; "" is 127.0.0.1 for tcp and ws, 0.0.0.0 for tls and wss
	Port              int    // 1 to 65535
	Transport         Transport
	ClientCertificate ClientCertificate
	Identity          Identity
	TLS               TLSOptions
	Path              string // of ws and wss; default "/mqtt"
	CRL               *bool  // nil: as Deployment.Revocation says
	Limits            Limits
}

// UserSource says where a connection's user name comes from.
type UserSource string

// The sources of a user name.
const (
	UserCN       UserSource = "cn"        // the certificate's one common name
	UserSANDNS   UserSource = "san-dns"   // its one dNSName
	UserSANURI   UserSource = "san-uri"   // its one URI
	UserSANEmail UserSource = "san-email" // its one rfc822Name
	UserSubject  UserSource = "subject"   // the whole subject, RFC 2253 from the raw order
	UserPassword UserSource = "password"  // CONNECT's user name, checked against Users.File
	UserFixed    UserSource = "fixed"     // everybody is Identity.FixedUser ("fixed:NAME" in the file)
	UserNone     UserSource = "none"      // nobody has a name: anonymous
)

// FromCertificate reports whether the user name is read from the client's certificate.
func (u UserSource) FromCertificate() bool {
	switch u {
	case UserCN, UserSANDNS, UserSANURI, UserSANEmail, UserSubject:
		return true
	}
	return false
}

// ClientIDRule says who may use which MQTT client id.
type ClientIDRule string

// The client id rules.
const (
	ClientIDOwned  ClientIDRule = "owned"  // an id with a live or stored session belongs to the user who made it
	ClientIDEqual  ClientIDRule = "equal"  // the id is the user name
	ClientIDPrefix ClientIDRule = "prefix" // the id is the user name, or begins with it and one of - _ . : /
	ClientIDAny    ClientIDRule = "any"
)

// Identity is how a listener names its users.
type Identity struct {
	User      UserSource
	FixedUser string // with UserFixed
	ClientID  ClientIDRule
}

// The choices of cipher suites below TLS 1.3, whose own suites are all good.
const (
	CiphersModern     = "modern"     // AEAD with forward secrecy
	CiphersCompatible = "compatible" // adds CBC with forward secrecy
)

// TLSOptions of one listener.
type TLSOptions struct {
	Min     string // "1.2" (default) or "1.3"
	Ciphers string // "modern" (default: AEAD with forward secrecy) or "compatible" (adds CBC with forward secrecy)
}

// Limits of one listener; 0 is the broker's default, "unlimited" for Connections.
type Limits struct {
	Connections int // at once
	PacketBytes int // one MQTT packet
	Backlog     int // TCP accept queue
}

// Users says where password users are kept.
type Users struct {
	File string // relative to the model's file; one "name:$7$..." a line
}

// Action is what an access rule allows.
type Action string

// The actions.
const (
	Publish   Action = "publish"
	Subscribe Action = "subscribe"
)

// Rule allows some users some topics.
type Rule struct {
	Who    string   // user name, or a pattern with *
	Allow  []Action // publish, subscribe
	Topics []string // topic filters; {user} stands for the user's name as one whole level
}

// TargetNode is the undecoded block of one target; the target's own package says what may stand in it.
type TargetNode struct {
	Name string
	Raw  []byte // YAML of the block
	Line int    // where the block begins in the model's file, 1-based

	node strictyaml.Node // the block as parsed, which knows its lines; Raw counts when there is none
}

// UsesCRL reports whether client certificates on l are checked against CRLs.
func (d *Deployment) UsesCRL(l *Listener) bool {
	if l.ClientCertificate == CertificateNone || l.ClientCertificate == "" {
		return false
	}
	if l.CRL != nil {
		return *l.CRL
	}
	return d.Revocation.CRL
}

// Address returns "bind:port" as net.Listen takes it.
func (l *Listener) Address() string { return net.JoinHostPort(l.Bind, strconv.Itoa(l.Port)) }

// At returns where the value at path, or what should hold it, stands in the model's file; zeros without a file.
func (d *Deployment) At(path string) (line, column int) {
	at := d.positions.Find(path)
	return at.Line, at.Column
}
