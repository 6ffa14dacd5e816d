package targets

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/mqttpki/mqttpki/channels"
)

// ErrRefused is the kind of error [Emit] returns when a product cannot express the model, or the material does not
// fit it.
var ErrRefused = errors.New("the target cannot express the model")

// Property is something of the model that a product may be unable to express. Those that protect somebody can be lost
// only when that is accepted by name.
type Property string

// The properties.
const (
	Certificate Property = "certificate"         // the client certificate policy
	CRL         Property = "crl"                 // checking client certificates against CRLs
	Identity    Property = "identity"            // where the user name comes from
	ClientID    Property = "client_id"           // who may use which client id
	Access      Property = "access"              // a rule of who may do what
	Trust       Property = "trust"               // the bound on the users that another CA may name
	TLSMin      Property = "tls.min"             // the lowest TLS version
	Ciphers     Property = "tls.ciphers"         // the cipher suites
	Connections Property = "limits.connections"  // the number of connections
	PacketBytes Property = "limits.packet_bytes" // the size of a packet
)

// ModelWide stands for the listener in a [Loss] that concerns the whole model: "*:access".
const ModelWide = "*"

// Loss is the permission to lose a property on one listener.
type Loss struct {
	Listener string // name, or [ModelWide]
	Property Property
}

// String returns "LISTENER:PROPERTY".
func (l Loss) String() string { return l.Listener + ":" + string(l.Property) }

// properties are those that may be accepted.
var properties = []Property{Certificate, CRL, Identity, ClientID, Access, Trust, TLSMin, Ciphers, Connections, PacketBytes}

// ParseLoss reads "LISTENER:PROPERTY".
func ParseLoss(s string) (Loss, error) {
	listener, property, ok := strings.Cut(s, ":")
	if !ok || listener == "" || !slices.Contains(properties, Property(property)) {
		words := make([]string, len(properties))
		for i, p := range properties {
			words[i] = string(p)
		}
		return Loss{}, fmt.Errorf("%q is not LISTENER:PROPERTY; the properties are %s, and the listener * is the whole model", s, strings.Join(words, ", "))
	}
	return Loss{listener, Property(property)}, nil
}

// Problem is something that a product cannot express, or a risk.
type Problem struct {
	channels.Problem
	Listener string   // its name; "" for the whole model
	Property Property // what --accept-loss may name; "" when it cannot be accepted
	Product  string   // title and version that it holds for; "" when it is no matter of the product
	Source   string   // where the fact is from
	Accepted bool     // an error that was accepted by name, and so became a warning
}

// Loss returns the permission that would make the problem a warning.
func (p Problem) Loss() Loss {
	if p.Listener == "" {
		return Loss{ModelWide, p.Property}
	}
	return Loss{p.Listener, p.Property}
}

// String returns the problem as one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d, column %d: ", p.Line, p.Column)
	}
	fmt.Fprintf(&b, "%s: ", p.Severity)
	switch {
	case strings.Contains(p.Listener, ", "): // several that were put together
		fmt.Fprintf(&b, "listeners %s: ", p.Listener)
	case p.Listener != "":
		fmt.Fprintf(&b, "listener %s: ", p.Listener)
	case p.Product == "" && p.Path != "":
		fmt.Fprintf(&b, "%s: ", p.Path)
	}
	if p.Product != "" {
		fmt.Fprintf(&b, "%s: ", p.Product)
	}
	b.WriteString(p.Text)
	if p.Source != "" {
		fmt.Fprintf(&b, " [%s]", p.Source)
	}
	switch {
	case p.Accepted:
		fmt.Fprintf(&b, " (accepted: %s)", p.Loss())
	case p.Severity == channels.Error && p.Property != "":
		fmt.Fprintf(&b, " (to lose it: --accept-loss '%s')", p.Loss())
	}
	return b.String()
}

// Errors returns the problems that keep the target from being used.
func Errors(ps []Problem) []Problem {
	var some []Problem
	for _, p := range ps {
		if p.Severity == channels.Error {
			some = append(some, p)
		}
	}
	return some
}

// InFileOrder sorts problems by their lines in the model's file and returns them; those without a line come first.
func InFileOrder(ps []Problem) []Problem {
	slices.SortStableFunc(ps, func(a, b Problem) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	return ps
}

// plainPath is a path on the broker's machine that means itself in every shell and configuration file.
var plainPath = regexp.MustCompile(`^([A-Za-z]:)?(/[A-Za-z0-9_][A-Za-z0-9._-]*)+$`)

// PlainPath reports whether an absolute path means itself in a shell and in configuration files: letters, digits and
// . _ - between slashes, and at most 200 bytes.
func PlainPath(path string) bool { return len(path) <= 200 && plainPath.MatchString(path) }

// unixUser is a user or group of a Unix machine.
var unixUser = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`) })

// UnixUser reports whether name can be a user and group of a Unix machine.
func UnixUser(name string) bool { return unixUser().MatchString(name) }
