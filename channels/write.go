package channels

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// YAML returns the model as a channels.yaml with comments, which [Parse] reads back to the same model. Everything is
// written out, defaults too, so that a person sees what holds.
func (d *Deployment) YAML() []byte {
	w := &writer{}
	w.line("schema: %s", d.Schema)
	w.line("server: %-27s # the server identity in the PKI; its certificate must cover the hosts clients dial", quote(d.Server))
	w.trust(d)
	w.line("%-35s # for all listeners; a listener may say otherwise", fmt.Sprintf("revocation: {crl: %t}", d.Revocation.CRL))
	w.line("")
	w.line("# transport: tcp, tls, ws, wss             client_certificate: none, optional, required")
	w.line("# identity.user: cn, san-dns, san-uri, san-email, subject, password, fixed:NAME, none")
	w.line("# identity.client_id: owned (an id belongs to the user whose session it is), equal, prefix, any")
	w.line("listeners:")
	for i := range d.Listeners {
		w.listener(&d.Listeners[i])
	}
	if d.Users.File != "" {
		w.line("")
		w.line("# users with passwords; mqttpki channels user add NAME")
		w.line("users: {file: %s}", quote(d.Users.File))
	}
	w.access(d.Access)
	w.targets(d.Targets)
	return w.b.Bytes()
}

// writer builds the text.
type writer struct {
	b bytes.Buffer
}

func (w *writer) line(format string, args ...any) {
	w.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

func (w *writer) trust(d *Deployment) {
	if len(d.Trust) == 0 {
		return
	}
	w.line("trust: %s# whose clients may connect; self is this PKI", strings.Repeat(" ", 29))
	for _, t := range d.Trust {
		fields := []string{"ca: " + quote(t.CA)}
		if t.CRL != "" {
			fields = append(fields, "crl: "+quote(t.CRL))
		}
		if t.Users != "" {
			fields = append(fields, "users: "+quote(t.Users))
		}
		w.line("  - {%s}", strings.Join(fields, ", "))
	}
}

func (w *writer) listener(l *Listener) {
	user := string(l.Identity.User)
	if l.Identity.User == UserFixed {
		user = fixedPrefix + l.Identity.FixedUser
	}
	w.line("  - name: %s", quote(l.Name))
	w.line("    bind: %s", quote(l.Bind))
	w.line("    port: %d", l.Port)
	w.line("    transport: %s", quote(string(l.Transport)))
	w.line("    client_certificate: %s", quote(string(l.ClientCertificate)))
	w.line("    identity: {user: %s, client_id: %s}", quote(user), quote(string(l.Identity.ClientID)))
	if l.TLS != (TLSOptions{}) {
		w.line("    tls: {min: %s, ciphers: %s}", strconv.Quote(l.TLS.Min), quote(l.TLS.Ciphers))
	}
	if l.Path != "" {
		w.line("    path: %s", quote(l.Path))
	}
	if l.CRL != nil {
		w.line("    crl: %t", *l.CRL)
	}
	if l.Limits != (Limits{}) {
		w.line("    limits: {connections: %d, packet_bytes: %d, backlog: %d}", l.Limits.Connections, l.Limits.PacketBytes, l.Limits.Backlog)
	}
}

func (w *writer) access(rules []Rule) {
	if len(rules) == 0 {
		return
	}
	w.line("")
	w.line("# what no rule allows is denied; {user} is the user's name as one level of the topic")
	w.line("access:")
	for _, r := range rules {
		var allow, topics []string
		for _, a := range r.Allow {
			allow = append(allow, string(a))
		}
		for _, t := range r.Topics {
			topics = append(topics, strconv.Quote(t))
		}
		w.line("  - {who: %s, allow: [%s], topics: [%s]}", strconv.Quote(r.Who), strings.Join(allow, ", "), strings.Join(topics, ", "))
	}
}

func (w *writer) targets(targets map[string]TargetNode) {
	w.line("")
	w.line("# what only one broker product needs")
	if len(targets) == 0 {
		w.line("# targets:")
		w.line("#   mosquitto: {version: \"2.0\", config_dir: /etc/mosquitto}")
		return
	}
	w.line("targets:")
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		w.line("  %s:", quote(name))
		for text := range strings.Lines(string(targets[name].Raw)) {
			w.line("    %s", strings.TrimRight(text, "\n"))
		}
	}
}

// quote returns text as a YAML scalar: bare where it can be nothing but text, in double quotes otherwise.
func quote(s string) string {
	if listenerName().MatchString(s) && strings.ContainsFunc(s, isLetter) && !slices.Contains(ambiguous, strings.ToLower(s)) && !numeric(s) {
		return s
	}
	return strconv.Quote(s)
}

// ambiguous are words that some YAML reader takes for something else than text.
var ambiguous = []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"}

// numeric reports whether a YAML reader could take s for a number: it begins with a digit.
func numeric(s string) bool { return s[0] >= '0' && s[0] <= '9' }

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }
