package cli

import (
	"strings"
	"text/template"
)

// runtime is a client program or library: the formats it reads, and what to type or paste into it.
type clientRuntime struct {
	name     string
	formats  []string
	settings string // a template over runtimeValues
}

// runtimeValues are what a runtime's settings speak of. Dir ends without a slash.
type runtimeValues struct {
	Dir, File, Name, Host, Topic string
}

// clientRuntimes are in the order of docs/clients.md, where each is explained.
var clientRuntimes = []clientRuntime{
	{"mosquitto", []string{formatPEM}, `mosquitto_pub -h {{.Host}} -p 8885 --cafile {{.Dir}}/ca.crt --cert {{.Dir}}/{{.File}}-chain.crt --key {{.Dir}}/{{.File}}.key -i {{.Name}} -t {{.Topic}} -m hello`},
	{"paho-java", []string{formatJKS}, `serverURI ssl://{{.Host}}:8885
com.ibm.ssl.keyStore={{.Dir}}/{{.File}}.jks
com.ibm.ssl.keyStoreType=JKS
com.ibm.ssl.keyStorePassword=(in {{.Dir}}/{{.File}}.pass)
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
	{"browser", []string{formatPEM, formatP12}, `import {{.Dir}}/{{.File}}.p12 (its password is in {{.Dir}}/{{.File}}.pass) and {{.Dir}}/ca.crt into the browser's store,
open https://{{.Host}}:8887/ once so that it asks which certificate to use, then wss://{{.Host}}:8887/mqtt`},
}

// runtimeNames are what --for takes.
func runtimeNames() []string {
	var names []string
	for _, r := range clientRuntimes {
		names = append(names, r.name)
	}
	return names
}

// findRuntime returns the runtime of that name.
func findRuntime(name string) (clientRuntime, error) {
	for _, r := range clientRuntimes {
		if r.name == name {
			return r, nil
		}
	}
	return clientRuntime{}, withHint(usagef("there is no client runtime %q", name), "one of %s", strings.Join(runtimeNames(), ", "))
}

// text fills in the settings.
func (r clientRuntime) text(v runtimeValues) string {
	var b strings.Builder
	// The templates are constants of this file, tried by a test: they cannot fail.
	_ = template.Must(template.New(r.name).Parse(r.settings)).Execute(&b, v)
	return b.String()
}
