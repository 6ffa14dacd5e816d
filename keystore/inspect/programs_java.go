package inspect

// Java: keytool, and every program that loads a java.security.KeyStore. Updates of Java 8 and 11 learnt today's PKCS12
// in July 2021; versions 11.0.5 and 11.0.13 were measured on both sides of that.
var javaPrograms = []program{
	javaProgram("8", "OpenJDK's notes on updates 8u301 and 11.0.12 (JDK-8267701, JDK-8076190); measured with Zulu 11.0.5 and 11.0.13",
		javaPKCS12(each("Java 8u301 or newer", java2021), nil, noEdDSA, refusesNonASCII), nil, noEdDSA),
	javaProgram("11", "measured with Zulu 11.0.5 and 11.0.13",
		javaPKCS12(each("Java 11.0.12 or newer", java2021), nil, noEdDSA, refusesNonASCII), nil, noEdDSA),
	javaProgram("17", "measured with OpenJDK 17.0.15", java17, javaKeys, nil),
	javaProgram("25", "measured with Temurin 25.0.3", java25, javaKeys, nil),
}

// What the updates of 2021 brought: of MACs there was SHA-1 alone, of encryption what is older than PBES2.
var java2021 = all(macsSHA[1:], macsShort, prfs, just("AES-128-CBC", "AES-256-CBC"))

var (
	noEdDSA         = with(each("Ed25519 and Ed448 keys came with Java 15", edwardsKeys), each("it does not read such keys as OpenSSL writes them", agreement))
	refusesNonASCII = map[string]string{nonASCII: "it refuses passwords with other than ASCII characters"}

	// javaKeys are what it can sign with since it gave up all curves but three, in version 16, or agree on keys with.
	javaKeys = all(rsaKeys, just("DSA"), nistCurves, edwardsKeys, agreement[:3])

	java17 = javaPKCS12(nil, javaKeys, refusesNonASCII)
	java25 = func() knowledge {
		k := javaPKCS12(nil, javaKeys, map[string]string{nonASCIIOld: "under the old encryption it refuses passwords with other than ASCII characters"})
		k.algorithms = all(k.algorithms, prfsShort)
		return k
	}()
)

// javaStores is what all versions of Java refuse of JKS and JCEKS.
var javaStores = map[string]string{
	noCertificate:  "it has no use for a private key without a certificate",
	duplicateAlias: "of entries with the same alias it shows only the last",
	plainAlias:     "it cannot read an alias in plain UTF-8, and refuses the whole file",
	mismatched:     notTheKeys,
	mixedCase:      "it lists an alias that is not in lower case, and does not find the entry",
	ownCurve:       javaNamedCurves,
}

// javaNamedCurves is why it refuses every file that has a key or certificate of the kind ownCurve in it.
const javaNamedCurves = "it reads EC keys and certificates on curves with a name only, and refuses the whole file"

// javaPKCS12 is what all versions of Java make of PKCS12, and what else each needs, can use and refuses.
func javaPKCS12(needs map[string]string, keys []string, refuses ...map[string]string) knowledge {
	k := knowledge{
		algorithms: all(macsSHA, macsShort, prfs, just("AES-128-CBC", "AES-256-CBC", "PBE-SHA1-3DES", "PBE-MD5-DES"), pkcs12RC),
		needs:      needs,
		keys:       keys,
		refuses: map[string]string{
			armoured:           noArmour,
			unknownCertificate: "it refuses a file with a certificate that is not X.509",
			ownCurve:           javaNamedCurves,
			nestedSafe:         "it does not look into a safe within a safe",
			bareKey:            "it passes over private keys that are not encrypted",
			noCertificate:      "it passes over a private key without a certificate",
			javaPairing:        "it goes by localKeyID and name, and finds no certificate or another's for a key",
			duplicateAlias:     "of entries with the same alias it shows only the last",
			ownPassword:        "keytool cannot open a key with a password of its own; a program can, which has it",
			unmarked:           "its certificates lack the mark of trusted entries (2.16.840.1.113894.746875.1.1), so it shows none",
		},
	}
	for _, more := range refuses {
		k.refuses = with(k.refuses, more)
	}
	return k
}

// javaProgram is the row of one version; keys is what it can use, refuses what it refuses, in all formats.
func javaProgram(version, source string, pkcs12 knowledge, keys []string, refuses map[string]string) program {
	store := with(javaStores, refuses)
	imported := knowledge{
		refuses: map[string]string{
			holdsKey: "its key stores are JKS and PKCS12", trustedLabel: trustRefused, blockHeaders: headersRefused, ownCurve: namedCurves,
		},
		needs: map[string]string{anyFile: "import each certificate: keytool -importcert"},
	}
	if version == "8" || version == "11" {
		imported.refuses[textBlanks] = "it reads no blanks behind BEGIN and END" + writeAgain
	}
	if version != "25" {
		imported.refuses[orderMark] = "it reads no text behind a byte order mark" + writeAgain
	}
	bundle := "keytool -importcert, of each certificate that openssl pkcs7 -print_certs"
	return program{"Java", version, source, map[string]knowledge{
		"p12":   pkcs12,
		"jks":   {keys: keys, refuses: store},
		"jceks": {keys: keys, refuses: store, needs: map[string]string{anyFile: "-storetype JCEKS"}},
		"pem":   imported, "der": imported,
		"pkcs7": {refuses: opensslLines, needs: map[string]string{inText: bundle + " prints", binary: bundle + " -inform DER prints"}},
	}, "its key stores are JKS and PKCS12", nil}
}
