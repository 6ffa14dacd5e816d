package ca

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// plainName is what a client may be called without being asked twice: a user name that no broker reads anything into.
// It is compiled when it is first used, as the program starts faster so.
var plainName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`) })

// maxCommonName is ub-common-name of RFC 5280 appendix A.1, in characters.
const maxCommonName = 64

// risky tells what a character of a user name does to whom. Characters that are refused outright are not here.
var risky = []struct {
	chars, code, text string
}{
	{"*", "name-wildcard", "\"*\" is a wildcard in access rules and in RabbitMQ, NATS and IBM MQ profiles"},
	{"%", "name-percent", "\"%\" begins a variable in mosquitto's ACL patterns and in IBM MQ"},
	{":", "name-colon", "\":\" ends the user name in mosquitto's password file"},
	{"$", "name-dollar", "\"$\" begins a variable in EMQX, HiveMQ and VerneMQ rules, and a shared subscription"},
	{" \t\u00a0\u3000", "name-blank", "blanks end the user name in mosquitto's ACL file"},
	{"+#/", "name-topic", "\"+\", \"#\" and \"/\" have a meaning in topics: no {user} rule is expanded for this name"},
	{"@\\\"'`=,;<>|&()[]{}!?^~", "name-quoting", "the name needs quoting in several brokers' files"},
}

// CheckClientName says whether a client or bridge may be called name. Without allowAny only names that no broker reads
// anything into are accepted; with it, whatever a certificate can carry, and the notices say which brokers it breaks.
// It fails with ErrPolicy.
func CheckClientName(name string, allowAny bool) ([]Notice, error) {
	if plainName().MatchString(name) {
		return nil, nil
	}
	if err := checkAnyName(name); err != nil {
		return nil, err
	}
	if !allowAny {
		return nil, policy("a user name is 1 to 64 letters, digits, dots, underscores and hyphens, beginning with a letter or digit; another has to be allowed explicitly")
	}
	var notices []Notice
	for _, r := range risky {
		if strings.ContainsAny(name, r.chars) {
			notices = append(notices, warn(r.code, "%s", r.text))
		}
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
		notices = append(notices, warn("name-unicode", "letters outside ASCII are refused by IBM MQ, and mosquitto and others print them escaped"))
	}
	if len(notices) == 0 {
		notices = append(notices, warn("name-unusual", "the name begins with a character that some brokers refuse"))
	}
	return notices, nil
}

// checkAnyName refuses what no name can be: what a certificate cannot carry, and what cannot be told from another
// name by looking at it.
func checkAnyName(name string) error {
	switch {
	case name == "":
		return policy("it is empty")
	case !utf8.ValidString(name):
		return policy("it is not UTF-8")
	case utf8.RuneCountInString(name) > maxCommonName:
		return policy("it is longer than %d characters (RFC 5280, ub-common-name)", maxCommonName)
	case strings.ContainsFunc(name, unicode.IsControl):
		return policy("it has a control character")
	case strings.ContainsFunc(name, invisible):
		return policy("it has an invisible character")
	case !norm.NFC.IsNormalString(name):
		return policy("it is not in Unicode normal form C (RFC 5198): it would look like another name")
	case strings.TrimSpace(name) != name:
		return policy("it begins or ends with a blank")
	}
	return nil
}

// invisible characters: formats (zero width, right-to-left overrides), private use, line and paragraph separators.
func invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar
}

// maxFileName leaves room, within the 255 bytes of common file systems, for endings such as "-chain.crt" and the date
// of a backup.
const maxFileName = 160

// windowsReserved are the device names that Windows finds in every folder, whatever their case and ending.
var windowsReserved = regexp.MustCompile(`(?i)^(con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9]|lpt[0-9])(\.|$)`)

// FileName returns the name of the folder and the beginning of the files of an identity. Letters, digits, dots,
// underscores and hyphens stand for themselves, everything else is percent-encoded, and so is what Windows or a shell
// would trip over: a device's name, a dot or hyphen at the beginning, a dot at the end. A result that is too long is cut and
// ends in "~" and a hash. Different names get different results; which of them collide where case does not count is for
// inventory.Fold to say.
func FileName(name string) string {
	var b strings.Builder
	reserved := windowsReserved.MatchString(name)
	for i := range len(name) {
		c := name[i]
		first, last := i == 0, i == len(name)-1
		plain := isLetter(c) || '0' <= c && c <= '9' || c == '_' || c == '-' && !first || c == '.' && !first && !last
		if plain && !(first && reserved) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	if b.Len() <= maxFileName {
		return b.String()
	}
	sum := sha256.Sum256([]byte(name))
	return b.String()[:maxFileName-33] + "~" + hex.EncodeToString(sum[:16])
}

// ClientURN is the URI that names a client whose name is no host name: urn:mqttpki:client:NAME, percent-encoded.
func ClientURN(name string) string { return "urn:mqttpki:client:" + url.PathEscape(name) }
