package ibm

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mqttpki/mqttpki/ca"
)

// ErrSetting is a variable that is missing or has a value that cannot be used; the text names it.
var ErrSetting = errors.New("wrong variable")

// NoCAKeyStore as the value of cajkskeystore leaves out the copy of the CA's key.
const NoCAKeyStore = "none"

// maxDays keeps the validity within what a certificate's dates can say and a Duration can hold.
const maxDays = 36500

// Settings are the variables that initcert sets, by what they are for. initcert alone knows their defaults.
type Settings struct {
	Dir      string        // certpath
	PKI      string        // pki: the CA's folder
	Password string        // passwordfile: where a password that was made up is kept
	Host     string        // host: where the broker runs
	Validity time.Duration // validity: of server and client; the CA lives a day longer
	KeyType  ca.KeyType    // algorithm

	CA, Server, Client Party

	CACert         string // cacert
	CAKeyStore     string // cajkskeystore: "" when it is to be left out
	ClientP12      string // cltp12keystore
	ClientPEM      string // cltpemkeystore
	TrustCA        Trust  // of the client, in the CA
	TrustServer    Trust  // of the client, in the server's own certificate
	Channels       Channels
	MQSCFile       string // mqscfile
	MQLog          string // mqlog
	QueueManager   string // qm
	passwordOfFile map[string]string
}

// Party is one of the three who have a key.
type Party struct {
	Alias       string // caalias, srvalias, cltalias
	Subject     string // cadname, srvdname, cltdname: a distinguished name as typed
	KeyStore    string // srvjkskeystore, cltjkskeystore
	Request     string // srvcertreq, cltcertreq
	CASigned    string // srvcertcasigned, cltcertcasigned
	SelfSigned  string // srvcertselfsigned, cltcertselfsigned
	KeyPassword string // the variable of the key's password: cakeypass, srvkeypass, cltkeypass
}

// Trust is one trust store in its three formats.
type Trust struct{ JKS, P12, PEM string }

// Channels are the listeners of the queue manager.
type Channels struct {
	Optional, Required string // authopt, authreq: SSLCAUTH of the two kinds of channels
	MCAUser            string // mcauser, its quotes taken off
	Release            string // mqversion: of IBM MQ
	Listeners          []Channel
}

// Channel is one listener.
type Channel struct {
	Name string
	Port int
	TLS  bool
	WS   bool
	Auth string // SSLCAUTH; "" without TLS
}

// ReadSettings reads the variables through look, which is os.LookupEnv in real life. All that are missing are named in
// one error, which wraps ErrSetting.
func ReadSettings(look func(name string) (string, bool)) (Settings, error) {
	r := &reader{look: look}
	s := Settings{
		Dir: r.need("certpath"), PKI: r.need("pki"), Password: r.need("passwordfile"), Host: r.need("host"),
		CA: Party{Alias: r.need("caalias"), Subject: r.need("cadname"), KeyPassword: "cakeypass"},
		Server: Party{
			Alias: r.need("srvalias"), Subject: r.need("srvdname"), KeyPassword: "srvkeypass",
			KeyStore: r.store("srvjkskeystore"), Request: r.need("srvcertreq"),
			CASigned: r.need("srvcertcasigned"), SelfSigned: r.need("srvcertselfsigned"),
		},
		Client: Party{
			Alias: r.need("cltalias"), Subject: r.need("cltdname"), KeyPassword: "cltkeypass",
			KeyStore: r.store("cltjkskeystore"), Request: r.need("cltcertreq"),
			CASigned: r.need("cltcertcasigned"), SelfSigned: r.need("cltcertselfsigned"),
		},
		CACert: r.need("cacert"), CAKeyStore: r.store("cajkskeystore"),
		ClientP12: r.store("cltp12keystore"), ClientPEM: r.store("cltpemkeystore"),
		TrustCA:     Trust{r.store("cltcajkstruststore"), r.store("cltcap12truststore"), r.store("cltcapemtruststore")},
		TrustServer: Trust{r.store("cltsrvjkstruststore"), r.store("cltsrvp12truststore"), r.store("cltsrvpemtruststore")},
		MQSCFile:    r.need("mqscfile"), MQLog: r.need("mqlog"), QueueManager: r.need("qm"),
	}
	s.Validity = time.Duration(r.number("validity", maxDays)) * 24 * time.Hour
	s.KeyType = r.keyType("algorithm")
	s.Channels = r.channels()
	if s.CAKeyStore == NoCAKeyStore {
		s.CAKeyStore = ""
	}
	s.passwordOfFile = r.stores
	return s, r.err()
}

// channels reads the queue manager's part, in the order in which mqcerts has always defined them.
func (r *reader) channels() Channels {
	c := Channels{
		Optional: r.need("authopt"), Required: r.need("authreq"),
		MCAUser: strings.Trim(r.need("mcauser"), "'"), Release: r.need("mqversion"),
	}
	const maxPort = 65535
	c.Listeners = []Channel{
		{Name: r.need("chlreq"), Port: r.number("portsslreq", maxPort), TLS: true, Auth: c.Required},
		{Name: r.need("chlopt"), Port: r.number("portsslopt", maxPort), TLS: true, Auth: c.Optional},
		{Name: r.need("chlsslreqws"), Port: r.number("portsslreqws", maxPort), TLS: true, WS: true, Auth: c.Required},
		{Name: r.need("chlssloptws"), Port: r.number("portssloptws", maxPort), TLS: true, WS: true, Auth: c.Optional},
		{Name: r.need("chlws"), Port: r.number("portws", maxPort), WS: true},
	}
	return c
}

// reader reads variables and collects what is wrong with them.
type reader struct {
	look    func(string) (string, bool)
	missing []string
	wrong   []string
	stores  map[string]string // the variable of a store's password, by the store's path
}

// need returns a variable that must have a value.
func (r *reader) need(name string) string {
	value, _ := r.look(name)
	if value == "" {
		r.missing = append(r.missing, name)
	}
	return value
}

// store returns the path of a store, and notes that its password's variable is the same with "pass" behind it.
func (r *reader) store(name string) string {
	path := r.need(name)
	if r.stores == nil {
		r.stores = map[string]string{}
	}
	r.stores[path] = name + "pass"
	return path
}

func (r *reader) number(name string, most int) int {
	text := r.need(name)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		r.wrong = append(r.wrong, fmt.Sprintf("%s is %q; it is a number from 1 to %d", name, text, most))
	}
	return n
}

func (r *reader) keyType(name string) ca.KeyType {
	text := r.need(name)
	kind, err := ca.ParseKeyType(text)
	if text != "" && err != nil {
		r.wrong = append(r.wrong, fmt.Sprintf("%s: %v", name, err))
	}
	return kind
}

func (r *reader) err() error {
	var texts []string
	if len(r.missing) > 0 {
		texts = append(texts, "not set: "+strings.Join(r.missing, " "))
	}
	if texts = append(texts, r.wrong...); len(texts) > 0 {
		return fmt.Errorf("%w: %s", ErrSetting, strings.Join(texts, "; "))
	}
	return nil
}
