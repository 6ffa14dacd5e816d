package inspect

// NSS, which Firefox and others import with as pk12util and certutil do, and GnuTLS.
var nativePrograms = []program{
	{"NSS", "3.87", "measured with pk12util and certutil of NSS 3.87.1", map[string]knowledge{
		"p12": {
			algorithms: all(macsSHA, just("HMAC-MD5"), prfs, aes, just("3DES-CBC", "PBE-SHA1-3DES"), camellia, pkcs12RC, just("DES-CBC", "RC2-128-CBC")),
			refuses: map[string]string{
				armoured:        noArmour,
				noMAC:           "it refuses files without a MAC",
				certificateOnly: "pk12util imports certificates with a key only",
				noCertificate:   "it imports a key with its certificate only",
				ed25519Key:      "it cannot import Ed25519 keys",
				lostKeys:        "of several keys it imports only those with a localKeyID",
				ownPassword:     "it takes one password, and a key has another than the file",
			},
		},
		"pem": nssImports, "der": nssImports,
		"pkcs7": {needs: map[string]string{inText: "certutil -A -a" + firstOfBundle, binary: "certutil -A" + firstOfBundle}},
	}, noJavaFormats, nil},
	{"GnuTLS", "3.7", "measured with certtool of GnuTLS 3.7.9", map[string]knowledge{
		"p12": {
			algorithms: all(macsSHA, gnutlsCiphers),
			refuses: map[string]string{
				noMAC:         "it refuses files without a MAC",
				trailingBytes: "it refuses bytes behind the end",
				ownPassword:   "it takes one password, and a key has another than the file",
			},
		},
		"pem": {algorithms: gnutlsCiphers, refuses: map[string]string{
			mismatched: notTheKeys, leafNotFirst: leafMustBeFirst, trustedLabel: trustRefused, blockHeaders: headersRefused,
		}},
		"der":   {algorithms: gnutlsCiphers, needs: map[string]string{anyFile: "--inder"}},
		"pkcs7": {needs: map[string]string{inText: "certtool --p7-info", binary: "certtool --p7-info --inder"}},
	}, noJavaFormats, nil},
}

var (
	gnutlsCiphers = all(prfs, aes, just("3DES-CBC", "PBE-SHA1-3DES", "PBE-SHA1-RC2-40", "PBE-SHA1-RC4-128", "PBE-MD5-DES", "DES-CBC"))
	nssImports    = knowledge{
		refuses: map[string]string{
			holdsKey: "it imports private keys from PKCS12 only", trustedLabel: trustRefused, blockHeaders: headersRefused,
		},
		needs: map[string]string{inText: "import each certificate: certutil -A -a", binary: "import each certificate: certutil -A"},
	}
	firstOfBundle = " imports the first certificate; openssl pkcs7 -print_certs makes PEM of all"
)
