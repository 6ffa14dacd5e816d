package cli

import (
	"slices"
	"strings"
	"sync"
	"text/template"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/channels/targets/registry"
)

// clientRuntime is what --for names: a client program or library, or for servers and bridges a broker. It has the
// formats that are read there, and what to type or paste.
type clientRuntime struct {
	name     string
	formats  []string
	settings string // a template over runtimeValues
}

// runtimeValues are what a runtime's settings speak of. Dir ends without a slash; Pass says where the stores' password
// is.
type runtimeValues struct {
	Dir, File, Name, Host, Topic, Pass string
}

// clientRuntimes are in the order of docs/clients.md, where each is explained.
var clientRuntimes = []clientRuntime{
	{"mosquitto", []string{formatPEM}, `mosquitto_pub -h {{.Host}} -p 8885 --cafile {{.Dir}}/ca.crt --cert {{.Dir}}/{{.File}}-chain.crt --key {{.Dir}}/{{.File}}.key -i {{.Name}} -t {{.Topic}} -m hello`},
	{"paho-java", []string{formatJKS}, `serverURI ssl://{{.Host}}:8885
com.ibm.ssl.keyStore={{.Dir}}/{{.File}}.jks
com.ibm.ssl.keyStoreType=JKS
com.ibm.ssl.keyStorePassword=({{.Pass}})
com.ibm.ssl.trustStore={{.Dir}}/truststore.jks
com.ibm.ssl.trustStoreType=JKS
com.ibm.ssl.trustStorePassword=(the same)
options.setHttpsHostnameVerificationEnabled(true)`},
	{"paho-c", []string{formatPEM}, `MQTTClient_create(&client, "ssl://{{.Host}}:8885", "{{.Name}}", ...)
ssl.trustStore = "{{.Dir}}/ca.crt";
ssl.keyStore = "{{.Dir}}/{{.File}}-chain.crt";
ssl.privateKey = "{{.Dir}}/{{.File}}.key";
ssl.enableServerCertAuth = 1;
ssl.verify = 1;`},
	{"paho-python", []string{formatPEM}, `client.tls_set("{{.Dir}}/ca.crt", "{{.Dir}}/{{.File}}-chain.crt", "{{.Dir}}/{{.File}}.key")
client.connect("{{.Host}}", 8885)`},
	{"mqttjs", []string{formatPEM}, `mqtt.connect("mqtts://{{.Host}}:8885", {
  ca: fs.readFileSync("{{.Dir}}/ca.crt"),
  cert: fs.readFileSync("{{.Dir}}/{{.File}}-chain.crt"),
  key: fs.readFileSync("{{.Dir}}/{{.File}}.key"),
  clientId: "{{.Name}}"})`},
	{"paho-go", []string{formatPEM}, `cert, err := tls.LoadX509KeyPair("{{.Dir}}/{{.File}}-chain.crt", "{{.Dir}}/{{.File}}.key")
autopaho.ClientConfig{ServerUrls: []*url.URL{{"{{"}}Scheme: "mqtts", Host: "{{.Host}}:8885"{{"}}"}}, TlsCfg: &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: roots}}  // roots: {{.Dir}}/ca.crt`},
	{"browser", []string{formatPEM, formatP12}, `import {{.Dir}}/{{.File}}.p12 (its password: {{.Pass}}) and {{.Dir}}/ca.crt into the browser's store,
open https://{{.Host}}:8887/ once so that it asks which certificate to use, then wss://{{.Host}}:8887/mqtt`},
}

// brokerSettings is what --for prints of a server: the broker's own configuration takes it from there.
const brokerSettings = `mqttpki channels emit {{.Name}} --out DIR   # the broker's configuration, with these files in it`

// runtimesFor are the runtimes that an identity of the role can be for: clients' programs, or brokers.
func runtimesFor(role ca.Role) []clientRuntime {
	if role == ca.RoleClient {
		return clientRuntimes
	}
	return brokerRuntimes()
}

// brokerRuntimes are found out once: the flags of many commands name them.
var brokerRuntimes = sync.OnceValue(func() []clientRuntime {
	names := map[string]string{"PEM": formatPEM, "PKCS12": formatP12, "JKS": formatJKS}
	var brokers []clientRuntime
	for _, t := range registry.All() {
		product := t.Product()
		r := clientRuntime{name: product.Name, settings: strings.ReplaceAll(brokerSettings, "{{.Name}}", product.Name)}
		for _, f := range product.Formats {
			if name, ok := names[f]; ok {
				r.formats = append(r.formats, name)
			}
		}
		brokers = append(brokers, r)
	}
	return brokers
})

// runtimeNames are what --for takes for a role.
func runtimeNames(role ca.Role) []string {
	var names []string
	for _, r := range runtimesFor(role) {
		names = append(names, r.name)
	}
	return names
}

// findRuntime returns the runtime of that name for a role.
func findRuntime(role ca.Role, name string) (clientRuntime, error) {
	list := runtimesFor(role)
	if i := slices.IndexFunc(list, func(r clientRuntime) bool { return r.name == name }); i >= 0 {
		return list[i], nil
	}
	return clientRuntime{}, withHint(usagef("there is no runtime %q for a %s", name, role), "one of %s", strings.Join(runtimeNames(role), ", "))
}

// text fills in the settings.
func (r clientRuntime) text(v runtimeValues) string {
	var b strings.Builder
	// The templates are constants of this file, tried by a test: they cannot fail.
	_ = template.Must(template.New(r.name).Parse(r.settings)).Execute(&b, v)
	return b.String()
}
