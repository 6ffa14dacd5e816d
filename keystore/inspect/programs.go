package inspect

import "slices"

// programs is every reader that is reported, in the order of the report. Adding one is adding an entry with its source,
// and a judge in the tests where the program can be had.
var programs = slices.Concat(javaPrograms, opensslPrograms, nativePrograms, systemPrograms, brokerPrograms)

// The formats that no program but Java reads are the same answer everywhere.
const noJavaFormats = "it does not read Java's own formats"

// Groups of algorithms by the names of keystore/pbe.
var (
	macsSHA    = []string{"HMAC-SHA1", "HMAC-SHA224", "HMAC-SHA256", "HMAC-SHA384", "HMAC-SHA512"}
	macsShort  = []string{"HMAC-SHA512/224", "HMAC-SHA512/256"} // SHA-512 cut short
	prfs       = []string{"PBKDF2-HMAC-SHA1", "PBKDF2-HMAC-SHA224", "PBKDF2-HMAC-SHA256", "PBKDF2-HMAC-SHA384", "PBKDF2-HMAC-SHA512"}
	prfsShort  = []string{"PBKDF2-HMAC-SHA512/224", "PBKDF2-HMAC-SHA512/256"}
	aes        = []string{"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"}
	aesStreams = []string{"AES-128-CFB", "AES-192-CFB", "AES-256-CFB", "AES-128-OFB", "AES-192-OFB", "AES-256-OFB"}
	aria       = []string{"ARIA-128-CBC", "ARIA-192-CBC", "ARIA-256-CBC"}
	camellia   = []string{"Camellia-128-CBC", "Camellia-192-CBC", "Camellia-256-CBC"}
	pkcs12DES  = []string{"PBE-SHA1-3DES", "PBE-SHA1-2DES"}
	pkcs12RC   = []string{"PBE-SHA1-RC2-40", "PBE-SHA1-RC2-128", "PBE-SHA1-RC4-40", "PBE-SHA1-RC4-128"}
	pkcs5Old   = []string{"PBE-MD5-DES", "PBE-MD5-RC2-64", "PBE-SHA1-DES", "PBE-SHA1-RC2-64"}
	oldCiphers = []string{"DES-CBC", "RC2-40-CBC", "RC2-64-CBC", "RC2-128-CBC"} // under PBES2 and in traditional PEM
)

// noArmour is why all but GnuTLS refuse a PKCS12 in PEM.
const noArmour = "it reads PKCS12 in binary only; openssl base64 -d makes that of the text between BEGIN and END"

// Why programs refuse text that is read here. What our own convert writes all of them read.
const (
	writeAgain     = "; mqttpki convert writes it as all read it"
	trustRefused   = "it does not know the label TRUSTED CERTIFICATE" + writeAgain
	headersRefused = "it reads no lines of text within a block" + writeAgain
)

// namedCurves is why programs refuse the certificates of keys of the kind ownCurve.
const namedCurves = "it reads certificates on curves with a name only"

// Why programs refuse a key with its certificates.
const (
	notTheKeys      = "the certificate in it is for another key, and the two work with no program"
	leafMustBeFirst = "the first certificate must be the first key's own"
	leafUnseen      = "it does not see the key's certificate, which is in a PKCS#7 block"
)

// all joins what a program knows of.
func all(groups ...[]string) []string { return slices.Concat(groups...) }

// just is all for single names.
func just(names ...string) []string { return names }

// each gives every name the same text.
func each(text string, groups ...[]string) map[string]string {
	m := map[string]string{}
	for _, name := range slices.Concat(groups...) {
		m[name] = text
	}
	return m
}

// with joins maps; of several texts for one name the last counts.
func with(parts ...map[string]string) map[string]string {
	joined := map[string]string{}
	for _, part := range parts {
		for name, text := range part {
			joined[name] = text
		}
	}
	return joined
}

// plain reads every file of a format.
var plain = knowledge{}

// always reads every file of a format in one way that is not the plain one.
func always(need string) knowledge { return knowledge{needs: map[string]string{anyFile: need}} }
