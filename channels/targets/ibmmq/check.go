package ibmmq

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// Lengths in bytes of the attributes of an MQTT channel (IBM MQ, DEFINE CHANNEL for CHLTYPE(MQTT)).
const (
	maxName       = 20
	maxUser       = 12
	maxRepository = 256
	maxPassphrase = 48
	maxAddress    = 48
	maxStanza     = 48
	maxBacklog    = 999_999_999
)

// objectName is what an IBM MQ object may be called.
var objectName = regexp.MustCompile(`^[A-Za-z0-9./_%]+$`)

// suiteName is a JVM's name of a cipher suite.
var suiteName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(SSL|TLS)_[A-Z0-9_]{3,60}$`) })

// stanzaName and className are what may stand in jaas.config.
var (
	stanzaName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	className  = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*(\.[A-Za-z_$][A-Za-z0-9_$]*)*$`)
)

// checkName says what keeps text from being the name of a channel, "" when nothing does.
func checkName(name string) string {
	switch {
	case len(name) > maxName:
		return fmt.Sprintf("a channel's name has at most %d bytes, %q has %d", maxName, name, len(name))
	case !objectName.MatchString(name):
		return fmt.Sprintf("a channel's name holds letters, digits and . / _ %%, which %q does not", name)
	}
	return ""
}

// checkUser says what keeps text from being a principal, "" when nothing does.
func checkUser(name string) string {
	switch {
	case name == "":
		return "a principal has a name"
	case len(name) > maxUser:
		return fmt.Sprintf("a principal's name has at most %d bytes, %q has %d", maxUser, name, len(name))
	case strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) || r == ' ' }):
		return fmt.Sprintf("a principal's name is printable ASCII without blanks, which %q is not", name)
	case name[0] == '-' || strings.ContainsAny(name, "'\"`$&|;<>*?()!\\#+/%"):
		return fmt.Sprintf("%q cannot be a principal: it means something to a shell or to IBM MQ", name)
	}
	return ""
}

// checkFolder says what keeps text from being the folder of the key store: an absolute Unix or Windows path.
func checkFolder(dir string) string {
	drive := len(dir) > 2 && dir[1] == ':' && (dir[2] == '\\' || dir[2] == '/')
	switch {
	case !strings.HasPrefix(dir, "/") && !drive:
		return fmt.Sprintf("%q is no absolute path", dir)
	case strings.ContainsFunc(dir, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) }):
		return fmt.Sprintf("%q holds characters that are not printable ASCII", dir)
	case len(dir) > maxRepository-len("/"+keyFile):
		return fmt.Sprintf("the key store's path has at most %d bytes, %q leaves no room for /%s", maxRepository, dir, keyFile)
	case strings.ContainsAny(dir, "\"'`$&|;<>*?()!#"):
		return fmt.Sprintf("%q holds characters that mean something to a shell", dir)
	}
	return ""
}

// Check returns what keeps the channel from being defined: names, lengths and missing or superfluous attributes.
func (c Channel) Check() []string {
	var problems []string
	add := func(text string) {
		if text != "" {
			problems = append(problems, text)
		}
	}
	add(checkName(c.Name))
	if c.Port < 1 || c.Port > 65535 {
		add(fmt.Sprintf("a port is 1 to 65535, not %d", c.Port))
	}
	if (c.KeyRepository == "") != (c.Passphrase == "") || (c.KeyRepository == "") != (c.Auth == "") {
		add("the key store, its password and the certificate policy are there together or not at all")
	}
	if c.Auth != "" && c.Auth != "NEVER" && c.Auth != "OPTIONAL" && c.Auth != "REQUIRED" {
		add(fmt.Sprintf("SSLCAUTH is NEVER, OPTIONAL or REQUIRED, not %q", c.Auth))
	}
	for _, text := range []struct {
		name, value string
		max         int
	}{{"SSLKEYR", c.KeyRepository, maxRepository}, {"SSLKEYP", c.Passphrase, maxPassphrase}, {"LOCLADDR", c.LocalAddress, maxAddress}, {"JAASCFG", c.JAAS, maxStanza}} {
		if len(text.value) > text.max {
			add(fmt.Sprintf("%s has at most %d bytes, not %d", text.name, text.max, len(text.value)))
		}
		if strings.ContainsFunc(text.value, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsPrint(r) }) {
			add(text.name + " is printable ASCII")
		}
	}
	if c.User != "" {
		add(checkUser(c.User))
	}
	if c.Cipher != "" && !suiteName().MatchString(c.Cipher) {
		add(fmt.Sprintf("%q is no JVM cipher suite", c.Cipher))
	}
	if c.Backlog < 0 || c.Backlog > maxBacklog {
		add(fmt.Sprintf("BACKLOG is 0 to %d, not %d", maxBacklog, c.Backlog))
	}
	return problems
}
