package inspect

import (
	"fmt"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// program is something that reads such files, and the rule that says whether it reads this one.
type program struct {
	name, version string
	rule          func(facts) verdict
}

// verdict is one answer. Why is given unless the answer is a plain yes.
type verdict struct {
	reads  Answer
	why    string
	source string
}

// programs is every reader that is reported, in the order of the report. Adding one is adding a line, and a test
// against the program where it can be had.
var programs = []program{
	{"Java", "17", func(f facts) verdict { return java(f, java17) }},
	{"Java", "25", func(f facts) verdict { return java(f, java25) }},
	{"OpenSSL", "3.0", openssl},
	{"NSS", "3.87", nss},
	{"GnuTLS", "3.7", gnutls},
	{"Mosquitto", "2.0", mosquitto},
	{"IBM MQ MQXR", "7.5", mqxr},
}

// readers asks every program's rule. Requests and CRLs alone are for other programs than those.
func readers(s *keystore.Store, o Options) []Reader {
	f := factsOf(s, o)
	list := make([]Reader, 0, len(programs))
	if f.keys+f.trusted+f.loose == 0 && len(s.Others) > 0 {
		return list
	}
	for _, p := range programs {
		v := p.rule(f)
		list = append(list, Reader{p.name, p.version, v.reads, v.why, v.source})
	}
	return list
}

// Where the rules come from. "Measured" ones are kept true by the test that runs the programs.
const (
	fromJava17    = "measured with keytool of OpenJDK 17.0.15"
	fromJava25    = "measured with keytool of Temurin 25.0.3"
	fromOpenSSL   = "measured with OpenSSL 3.0.19"
	fromNSS       = "measured with pk12util and certutil of NSS 3.87.1"
	fromGnuTLS    = "measured with certtool of GnuTLS 3.7.9"
	fromMosquitto = "measured with mosquitto 2.0.11"
	fromMQXR      = "IBM WebSphere MQ Telemetry 7.5 documentation, key repositories of MQTT channels"
)

// pkcs12 is what one program makes of PKCS12 files. An empty reason means that it reads such a file.
type pkcs12 struct {
	source     string
	noMAC      string   // why it refuses a file without a MAC
	bareKey    string   // why it refuses a private key that is not encrypted
	macs       []string // parts of the names of the MACs that it refuses
	ciphers    []string // the ciphers that it refuses
	flagged    []string // the ciphers that it reads with flag
	flag       string
	unmarked   string // why it refuses certificates that are not marked as trusted, in a file without a key
	trustStore string // why it refuses a file of certificates alone
	ed25519    string // why it refuses Ed25519 keys
	nonASCII   string // why it refuses passwords with other than ASCII characters
}

// judge applies the table to a PKCS12 file.
func (p pkcs12) judge(f facts) verdict {
	no := func(format string, args ...any) verdict { return verdict{No, fmt.Sprintf(format, args...), p.source} }
	if f.mac == "" && p.noMAC != "" {
		return no("%s", p.noMAC)
	}
	for _, mac := range p.macs {
		if strings.Contains(f.mac, mac) {
			return no("it does not know the MAC %s", f.mac)
		}
	}
	if cipher := f.uses(p.ciphers...); cipher != "" {
		return no("it does not know the encryption %s", cipher)
	}
	for _, rule := range []struct {
		applies bool
		why     string
	}{
		{f.keys > 0 && f.bareKey, p.bareKey},
		{f.keys == 0 && f.trusted == 0 && f.loose > 0, p.unmarked},
		{f.keys == 0, p.trustStore},
		{f.ed25519, p.ed25519},
		{!f.ascii, p.nonASCII},
	} {
		if rule.applies && rule.why != "" {
			return no("%s", rule.why)
		}
	}
	if cipher := f.uses(p.flagged...); cipher != "" {
		return verdict{Flag, fmt.Sprintf("%s, for %s", p.flag, cipher), p.source}
	}
	return verdict{Yes, "", p.source}
}

// The ciphers by the names that keystore/pbe gives them.
var (
	javaUnknown    = []string{"scrypt", "AES-192-CBC", "3DES-CBC", "PBE-SHA1-2DES", "2DES-CBC", "DES-CBC"}
	opensslLegacy  = []string{"PBE-SHA1-RC2-40", "PBE-SHA1-RC2-128", "PBE-SHA1-RC4-40", "PBE-SHA1-RC4-128", "PBE-MD5-DES", "PBE-MD5-RC2-64", "PBE-SHA1-DES", "PBE-SHA1-RC2-64", "DES-CBC", "RC2-40-CBC", "RC2-64-CBC", "RC2-128-CBC"}
	nssUnknown     = []string{"scrypt", "PBE-SHA1-2DES", "PBE-MD5-DES"}
	gnutlsUnknown  = []string{"scrypt", "PBE-SHA1-2DES", "PBE-SHA1-RC2-128", "PBE-SHA1-RC4-40"}
	javaUnmarked   = "its certificates lack the mark of trusted entries (2.16.840.1.113894.746875.1.1), so it shows none"
	javaNoBareKeys = "it passes over private keys that are not encrypted"
)

var java17 = pkcs12{
	source:   fromJava17,
	bareKey:  javaNoBareKeys,
	macs:     []string{"PBMAC1", "MD5", "SHA3"},
	ciphers:  javaUnknown,
	unmarked: javaUnmarked,
	nonASCII: "it refuses passwords with other than ASCII characters",
}

var java25 = pkcs12{
	source:   fromJava25,
	bareKey:  javaNoBareKeys,
	macs:     []string{"PBMAC1", "MD5", "SHA3"},
	ciphers:  javaUnknown,
	unmarked: javaUnmarked,
}

// java judges for a version of Java; rules is its PKCS12.
func java(f facts, rules pkcs12) verdict {
	switch f.format {
	case "p12":
		return rules.judge(f)
	case "jks":
		return verdict{Yes, "", rules.source}
	case "jceks":
		return verdict{Flag, "-storetype JCEKS", rules.source}
	}
	if f.keys > 0 {
		return verdict{No, "its key stores are JKS and PKCS12", rules.source}
	}
	return verdict{Flag, "import each certificate: keytool -importcert", rules.source}
}

// openssl judges for the command-line tools; a program linked to the library has the same limits but no flags.
func openssl(f facts) verdict {
	switch f.format {
	case "p12":
		return pkcs12{
			source: fromOpenSSL, macs: []string{"PBMAC1"}, flagged: opensslLegacy, flag: "-legacy",
		}.judge(f)
	case "jks", "jceks":
		return verdict{No, "it does not read Java's own formats", fromOpenSSL}
	case "pkcs7":
		return verdict{Flag, "openssl pkcs7 -print_certs", fromOpenSSL}
	}
	if cipher := f.uses(opensslLegacy...); cipher != "" {
		return verdict{Flag, "-provider legacy -provider default, for " + cipher, fromOpenSSL}
	}
	return verdict{Yes, "", fromOpenSSL}
}

// nss judges for Firefox and whatever else imports with pk12util and certutil.
func nss(f facts) verdict {
	switch f.format {
	case "p12":
		return pkcs12{
			source:     fromNSS,
			noMAC:      "it refuses files without a MAC",
			macs:       []string{"PBMAC1", "SHA512/256", "SHA512/224", "SHA3"},
			ciphers:    nssUnknown,
			trustStore: "pk12util imports certificates with a key only",
			ed25519:    "it cannot import Ed25519 keys",
		}.judge(f)
	case "jks", "jceks":
		return verdict{No, "it does not read Java's own formats", fromNSS}
	}
	if f.keys > 0 {
		return verdict{No, "it imports private keys from PKCS12 only", fromNSS}
	}
	return verdict{Flag, "import each certificate: certutil -A", fromNSS}
}

// gnutls judges for certtool and the library.
func gnutls(f facts) verdict {
	switch f.format {
	case "p12":
		return pkcs12{
			source:  fromGnuTLS,
			noMAC:   "it refuses files without a MAC",
			macs:    []string{"PBMAC1", "MD5", "SHA512/256", "SHA512/224", "SHA3"},
			ciphers: gnutlsUnknown,
		}.judge(f)
	case "jks", "jceks":
		return verdict{No, "it does not read Java's own formats", fromGnuTLS}
	}
	if f.uses("scrypt", "DES-CBC") != "" {
		return verdict{No, "it does not know the key's encryption", fromGnuTLS}
	}
	if f.format == "der" || f.format == "pkcs7" {
		return verdict{Flag, "--inder, and certtool --p7-info for PKCS#7", fromGnuTLS}
	}
	return verdict{Yes, "", fromGnuTLS}
}

// mosquitto judges for the broker's cafile, certfile and keyfile.
func mosquitto(f facts) verdict {
	switch {
	case f.format != "pem":
		return verdict{No, "it reads PEM only", fromMosquitto}
	case f.keys > 0 && f.disorder:
		return verdict{No, "the first certificate must be the key's own, with its issuers behind it in order", fromMosquitto}
	case f.keys > 0 && !f.bareKey:
		return verdict{Flag, "it asks for the key's password on the terminal at each start, and fails where there is none", fromMosquitto}
	}
	return verdict{Yes, "", fromMosquitto}
}

// mqxr judges for SSLKEYR of an MQTT channel. The name's ending decides how the file is read, not its content.
func mqxr(f facts) verdict {
	readAs := "jks"
	switch f.ending {
	case ".p12", ".pkcs12":
		readAs = "p12"
	case ".jceks":
		readAs = "jceks"
	}
	switch {
	case f.format != "jks" && f.format != "p12" && f.format != "jceks":
		return verdict{No, "it reads Java key stores only", fromMQXR}
	case f.format != readAs:
		return verdict{No, fmt.Sprintf("a name that ends in %q is read as %s, and the content is %s", f.ending, formatName(readAs), formatName(f.format)), fromMQXR}
	case f.format == "p12":
		if v := java17.judge(f); v.reads != Yes {
			return verdict{v.reads, v.why, fromMQXR}
		}
	}
	return verdict{Yes, "", fromMQXR}
}
