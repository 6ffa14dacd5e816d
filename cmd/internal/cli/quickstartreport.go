package cli

import (
	"path/filepath"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/probe"
)

// quickstartDoc is `quickstart --json`.
type quickstartDoc struct {
	Schema  string    `json:"schema"`
	Dir     string    `json:"dir"`
	PKI     string    `json:"pki"`
	Server  string    `json:"server"`
	Clients []string  `json:"clients"`
	Users   []string  `json:"users"`
	Verify  verifyDoc `json:"verify"`
	OK      bool      `json:"ok"`
}

func (o *quickstartOptions) printQuickstart(x *deployment, results []probe.ListenerResult) error {
	doc := newVerifyDoc(results)
	return o.printJSON(quickstartDoc{"mqttpki.quickstart/1", o.Dir, o.pki, x.model.Server, quickClients, quickUserNames, doc, doc.OK})
}

// printHowTo says what to type next, with the paths and ports that are really there.
func (o *quickstartOptions) printHowTo(m *channels.Deployment) {
	files := ca.FilesOf(ca.RoleClient, quickClients[0])
	at := func(path string) string { return filepath.Join(o.pki, filepath.FromSlash(path)) }
	name := quickClients[0]
	o.print("")
	if !o.Serve {
		o.print("Keep the broker up with: mqttpki quickstart --dir %s --serve", o.Dir)
	}
	o.print("Connect as %s:", name)
	for _, l := range m.Listeners {
		if l.ClientCertificate != channels.CertificateRequired {
			continue
		}
		switch l.Transport {
		case channels.TLS:
			o.print("  mosquitto  mosquitto_pub -h localhost -p %d --cafile %s --cert %s --key %s -i %s -t devices/%s/up -m hello",
				l.Port, at(files.CA), at(files.Chain), at(files.Key), name, name)
			o.print("  Java       ssl://localhost:%d with key store %s and trust store %s, both with the password in %s",
				l.Port, at(files.JKS), at(files.TrustJKS), at(files.Pass))
		case channels.WSS:
			o.print("  browser    import %s (password in %s) and %s, then open https://localhost:%d/; MQTT is at wss://localhost:%d%s",
				at(files.P12), at(files.Pass), at(files.CA), l.Port, l.Port, l.Path)
		}
	}
	o.print("Connect with a password as %s: the password is in %s", quickUserNames[0], filepath.Join(o.Dir, quickUsers, quickUserNames[0]+".pass"))
}
