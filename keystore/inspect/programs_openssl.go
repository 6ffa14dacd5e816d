package inspect

// OpenSSL: its command, and the programs linked to it. Those have the same limits; in place of the options they load
// the legacy provider, or do not.
var opensslPrograms = []program{
	opensslProgram("1.1", "measured with OpenSSL 1.1.1l in Python's cryptography 3.4.8; openssl-pkcs12(1), openssl-x509(1) of 1.1.1",
		knowledge{
			algorithms: all(opensslMACs, opensslCiphers),
			refuses: with(opensslRefuses, map[string]string{
				noMAC: "the library refuses a file without a MAC; openssl pkcs12 reads it with -nomacver"}),
		}, knowledge{algorithms: opensslCiphers, refuses: opensslPairs}, "-inform DER"),
	opensslProgram("3.0", "measured with OpenSSL 3.0.19",
		knowledge{algorithms: all(opensslMACs, opensslCiphers), refuses: opensslRefuses, needs: each("-legacy", opensslLegacy)},
		opensslText, ""),
	opensslProgram("3.4", "measured with OpenSSL 3.4.0 in Python's cryptography 44.0.0",
		knowledge{algorithms: all(opensslMACs, just("PBMAC1"), opensslCiphers), refuses: opensslRefuses, needs: each("-legacy", opensslLegacy)},
		opensslText, ""),
}

var (
	opensslMACs    = all(just("HMAC-MD5"), macsSHA, macsShort, just("HMAC-SHA3-224", "HMAC-SHA3-256", "HMAC-SHA3-384", "HMAC-SHA3-512"))
	opensslCiphers = all(prfs, prfsShort, just("PBKDF2-HMAC-MD5", "scrypt", "3DES-CBC", "DES-EDE", "SM4-CBC"), aes, aesStreams, aria, camellia, pkcs12DES, opensslLegacy)
	opensslLegacy  = all(pkcs12RC, pkcs5Old, oldCiphers, just("Blowfish-CBC", "CAST5-CBC", "SEED-CBC"))
	opensslRefuses = map[string]string{
		armoured:    noArmour,
		ownPassword: "it takes one password, and a key has another than the file",
	}
	opensslLines = map[string]string{
		crLines:      "it reads no lines that end in CR alone" + writeAgain,
		blankLines:   "it reads no blank lines within a block" + writeAgain,
		blockHeaders: headersRefused,
	}
	opensslBundle = "openssl pkcs7 -print_certs"
	opensslPairs  = with(opensslLines, map[string]string{mismatched: notTheKeys, leafBundled: leafUnseen})
	opensslText   = knowledge{algorithms: opensslCiphers, refuses: opensslPairs, needs: each("-provider legacy -provider default", opensslLegacy)}
)

// opensslProgram is the row of one version; derNeeds is the option for DER, "" where it finds out by itself.
func opensslProgram(version, source string, pkcs12, text knowledge, derNeeds string) program {
	der := text
	if derNeeds != "" {
		der.needs = with(text.needs, map[string]string{anyFile: derNeeds})
	}
	return program{"OpenSSL", version, source, map[string]knowledge{
		"p12": pkcs12, "pem": text, "der": der,
		"pkcs7": {refuses: opensslLines, needs: map[string]string{inText: opensslBundle, binary: opensslBundle + " -inform DER"}},
	}, noJavaFormats, nil}
}
