package matrix

import (
	"regexp"
	"slices"
	"strings"
)

// outcome is what becomes of a file in a reader.
type outcome string

// The outcomes.
const (
	yes  outcome = "yes"  // all of it that the reader can show is right
	part outcome = "part" // it is read, and something is missing or wrong
	no   outcome = "no"   // it is refused, or nothing of it is shown
)

// known is why some cells are not "yes". The first that is about a cell decides it. Names are apart by commas; with "!"
// before them all others are meant.
type known struct {
	readers string
	formats string // "" is all
	writers string // "" is all
	traits  string // that the file has, apart by commas, with "!" before one that it has not
	outcome outcome
	finds   string // a regular expression for what the reader complains of, or what is different
	why     string // for the page
	fault   string // whose it is, for the page
}

// withoutPBMAC1 are the programs that are older than it.
const withoutPBMAC1 = keytool17 + "," + keytool25 + "," + openssl + "," + opensslOld + "," + pk12util + "," + certtool + "," +
	pythonSystem + "," + node + "," + forge

var knownCells = []known{
	{readers: "!" + bouncy, formats: fmtPKCS12, traits: traitGCM, outcome: no,
		why: "AES-GCM in a PKCS12 is BouncyCastle's own idea: nobody else reads it. We name the algorithm by its OID", fault: bouncy},
	{readers: withoutPBMAC1, traits: traitPBMAC1, outcome: no, finds: `(?i)1\.2\.840\.113549\.1\.5\.14|mac|BAD_PASSWORD|Unsupported|Invalid password`,
		why:   "PBMAC1 (RFC 9579) is newer than this version: Java reads it from 26, OpenSSL from 3.4. NSS and Python's cryptography call the password wrong",
		fault: "nobody's: the profile has to suit the oldest reader"},
	{readers: ours + "," + pythonNew, writers: bouncy, traits: traitPBMAC1, outcome: no, finds: `256 bytes|Invalid password`,
		why: "it says that the MAC's key has 256 bytes: the bits of SHA-256 taken for bytes", fault: bouncy},
	{readers: openssl + "," + node, traits: traitRC2, outcome: no, finds: `RC2-40|Unsupported`,
		why: "RC2 with 40 bits is in OpenSSL's legacy provider, which is loaded by `-legacy` alone; Node.js cannot load it", fault: "the writer's: RC2 was given up long ago"},
	{readers: pk12util + "," + certtool, traits: traitNoMAC, outcome: no, finds: `(?i)BAD_DER|mac`,
		why: "a store without a MAC is refused, encrypted or not", fault: "the reader's: the MAC is optional (RFC 7292)"},
	{readers: pythonSystem + "," + node, traits: traitNoMAC + ",!" + traitOpen, outcome: no, finds: `mac absent|Invalid password`,
		why: "a store without a MAC is refused when a password is given, which the encrypted key needs", fault: "the reader's: the MAC is optional (RFC 7292)"},
	{readers: node, formats: fmtPKCS12, traits: traitKeyless, outcome: no, finds: `private key`,
		why: "a PFX is the identity of a TLS connection, and has to have a key. Trusted certificates go into `ca`, as PEM", fault: node},
	{readers: node, formats: fmtPKCS12, traits: traitSeveral, outcome: part, finds: `^key sensor-17 is missing$`,
		why: "the first key is taken, with every other certificate of the file as its chain", fault: node},
	{readers: pythonSystem + "," + pythonNew, formats: fmtPKCS12, traits: traitSeveral, outcome: part, finds: `^key sensor-17 is missing$`,
		why: "its interface has one key a file; the others are dropped without a word", fault: "Python's cryptography"},
	{readers: keytool17 + "," + keytool25 + "," + bouncy, formats: fmtPKCS12, traits: traitLoose, outcome: no, finds: `nothing is shown`,
		why:   "certificates that are neither a key's nor marked as trusted are not shown. OpenSSL can mark them from 3.2 on (`-jdktrust`)",
		fault: "OpenSSL before 3.2, which cannot mark them"},
	{readers: bouncy, formats: fmtPKCS12, writers: keytool17 + "," + keytool25 + "," + pk12util, traits: "!" + traitKeyless, outcome: part,
		finds: `^\d trusted entries, not \d$`, why: "certificates of a chain are shown as trusted entries too when the file has a name for them", fault: bouncy},
	{readers: ours, formats: fmtPKCS12, writers: bouncy, traits: traitSeveral, outcome: part, finds: `chain of 2, not 3`,
		why:   "a certificate that is in a chain and trusted is written once, as trusted. mqttpki keeps trusted entries out of chains; Java does not",
		fault: "mqttpki and BouncyCastle"},
	{readers: pk12util, formats: fmtPKCS12, traits: traitEd25519, outcome: no, finds: `UNABLE_TO_IMPORT_KEY`,
		why: "this version knows no Ed25519 keys", fault: "NSS"},
	{readers: certtool, formats: fmtPKCS12, writers: bouncy, traits: traitKeyless, outcome: no, finds: `bag_init`,
		why: "the file has an empty part for keys, which is refused", fault: "GnuTLS: an empty part is allowed"},
	{readers: certtool + "," + bouncy + "," + forge, formats: fmtPEM, traits: traitScrypt, outcome: no,
		why: "scrypt (RFC 7914) is not known; of BouncyCastle, the usual `JceOpenSSLPKCS8DecryptorProviderBuilder` does not", fault: "the reader's"},
	{readers: forge, formats: fmtPEM, traits: "!" + traitRSA, outcome: no, finds: `RSA`,
		why: "RSA keys are all that it knows", fault: forge},
}

// about reports whether it is about the reader with the file.
func (k *known) about(reader string, r *row) bool {
	for trait := range strings.SplitSeq(k.traits, ",") {
		if trait != "" && !r.is(trait) {
			return false
		}
	}
	return named(k.readers, reader) && named(k.formats, r.format) && named(k.writers, r.writer)
}

// named reports whether a list has a name.
func named(list, name string) bool {
	others, negated := strings.CutPrefix(list, "!")
	return list == "" || slices.Contains(strings.Split(others, ","), name) != negated
}

// expected returns what is known of a cell; "yes" and -1 where nothing is.
func expected(reader string, r *row) (outcome, int) {
	for i := range knownCells {
		if knownCells[i].about(reader, r) {
			return knownCells[i].outcome, i
		}
	}
	return yes, -1
}

// fits reports whether what was found is what is known.
func (k *known) fits(found string) bool { return regexp.MustCompile(k.finds).MatchString(found) }
