package channels

import (
	"fmt"
	"slices"
	"strings"
)

// PresetNames are the presets, the default one first.
func PresetNames() []string { return []string{"mtls", "ibm-sample"} }

// Preset returns a deployment to begin with. Both presets have the names and ports of the IBM MQ Telemetry samples.
//
// "mtls": certificates required on SSLREQ and SSLREQWS, the CN being the user; passwords on the other four, of which
// the plain two are on loopback; CRLs are checked; each user has devices/{user}/#. "ibm-sample": the six channels as
// they were: everybody is the user Guest, who may do everything, and no CRL is checked.
func Preset(name, server string) (*Deployment, error) {
	if !slices.Contains(PresetNames(), name) {
		return nil, fmt.Errorf("there is no preset %q; there are %s", name, strings.Join(PresetNames(), " and "))
	}
	d := &Deployment{Schema: Schema, Server: server, Trust: []Trust{{CA: Self, CRL: Self}}}
	d.Listeners = []Listener{
		{Name: "PlainText", Port: 1883, Transport: TCP},
		{Name: "SSLOPT", Port: 8884, Transport: TLS, ClientCertificate: CertificateNone},
		{Name: "SSLREQ", Port: 8885, Transport: TLS, ClientCertificate: CertificateRequired},
		{Name: "PLAINWS", Port: 1886, Transport: WS},
		{Name: "SSLOPTWS", Port: 8886, Transport: WSS, ClientCertificate: CertificateNone},
		{Name: "SSLREQWS", Port: 8887, Transport: WSS, ClientCertificate: CertificateRequired},
	}
	both := []Action{Publish, Subscribe}
	if name == "mtls" {
		d.Revocation.CRL = true
		d.Users.File = "users.passwd"
		d.Access = []Rule{{Who: "*", Allow: both, Topics: []string{"devices/{user}/#"}}}
	} else {
		for i := range d.Listeners {
			d.Listeners[i].Bind = "0.0.0.0" // the samples listen on every address, the plain ones too
			d.Listeners[i].Identity = Identity{User: UserFixed, FixedUser: "Guest", ClientID: ClientIDAny}
		}
		d.Access = []Rule{{Who: "*", Allow: both, Topics: []string{"#"}}}
		d.Targets = map[string]TargetNode{"ibmmq": {Name: "ibmmq", Raw: []byte("version: \"9.3\"\nqueue_manager: MQXR_SAMPLE_QM\nkey_repository_dir: /var/mqm/tls\n")}}
	}
	d.FillDefaults()
	return d, nil
}
