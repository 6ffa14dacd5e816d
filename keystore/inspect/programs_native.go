package inspect

// NSS, which Firefox and others import with as pk12util and certutil do, and GnuTLS.
var nativePrograms = []program{
	{"NSS", "3.87", "measured with pk12util and certutil of NSS 3.87.1", map[string]knowledge{
		"p12": {
			algorithms: all(macsSHA, just("HMAC-MD5"), prfs, aes, just("3DES-CBC", "PBE-SHA1-3DES"), camellia, pkcs12RC, just("DES-CBC", "RC2-128-CBC", "SEED-CBC")),
			keys:       all(rsaKeys, just("DSA"), nistCurves),
			refuses: map[string]string{
				armoured:           noArmour,
				noMAC:              "it refuses files without a MAC",
				unknownBag:         "it refuses a file with an entry of a kind that it does not know",
				unknownCRL:         nssNoCRL,
				holdsCRL:           nssNoCRL,
				unknownCertificate: "it refuses a file with a certificate that is not X.509",
				unpairedKey:        "it imports a key with its certificate only",
				keyWithoutID:       "it goes by localKeyID alone, and a key has none",
				nssPairing:         "it goes by localKeyID alone, and finds no certificate or another's for a key",
				sameKey:            "of entries with the same key it keeps one",
				ownPassword:        "it takes one password, and a key has another than the file",
			},
		},
		"pem": nssImports, "der": nssImports,
		"pkcs7": {refuses: textHeaders, needs: map[string]string{inText: "certutil -A -a" + firstOfBundle, binary: "certutil -A" + firstOfBundle + " with -inform DER"}},
	}, noJavaFormats, nil},
	{"GnuTLS", "3.7", "measured with certtool and gnutls-serv of GnuTLS 3.7.9", map[string]knowledge{
		"p12": {
			algorithms: all(macsSHA, gnutlsCiphers),
			keys:       gnutlsKeys,
			refuses: map[string]string{
				nestedSafe:         "it does not look into a safe within a safe",
				unknownCertificate: "it passes over the certificates of a file with one that is not X.509",
				noMAC:              "it refuses files without a MAC",
				trailingBytes:      "it refuses bytes behind the end",
				ownPassword:        "it takes one password, and a key has another than the file",
			},
		},
		"pem": {algorithms: gnutlsCiphers, keys: gnutlsKeys, refuses: map[string]string{
			mismatched: notTheKeys, leafBundled: leafUnseen, leafNotFirst: leafMustBeFirst, trustedLabel: trustRefused, blockHeaders: headersRefused,
		}},
		"der":   {algorithms: gnutlsCiphers, keys: gnutlsKeys, needs: map[string]string{anyFile: "--inder"}},
		"pkcs7": {refuses: textHeaders, needs: map[string]string{inText: "certtool --p7-info", binary: "certtool --p7-info --inder"}},
	}, noJavaFormats, nil},
}

var (
	gnutlsCiphers = all(prfs, aes, just("3DES-CBC", "PBE-SHA1-3DES", "PBE-SHA1-RC2-40", "PBE-SHA1-RC4-128", "PBE-MD5-DES", "DES-CBC"))
	gnutlsKeys    = all(rsaKeys, just("DSA", "P-192", "P-224"), nistCurves, edwardsKeys, just("X25519", "X448"))
	nssImports    = knowledge{
		refuses: map[string]string{
			holdsKey: "it imports private keys from PKCS12 only", trustedLabel: trustRefused, blockHeaders: headersRefused, ownCurve: namedCurves,
		},
		needs: map[string]string{inText: "import each certificate: certutil -A -a", binary: "import each certificate: certutil -A"},
	}
	textHeaders   = map[string]string{blockHeaders: headersRefused}
	firstOfBundle = " imports the first certificate; for all, make PEM of it by openssl pkcs7 -print_certs"
)

// nssNoCRL is why it refuses a PKCS12 with a CRL in it, of whatever type.
const nssNoCRL = "it refuses a file with a CRL"
