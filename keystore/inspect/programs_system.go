package inspect

// The key stores of operating systems. None of them runs here, so the rules are what their makers document and what
// others report; an algorithm that neither speaks of counts as unknown.
var systemPrograms = []program{
	windowsProgram("2016", "Microsoft's PKCS12_PBES2_EXPORT_PARAMS (AES from Server 2019 on); ansible.windows #582, acme.sh #6805",
		windowsOld, nil),
	windowsProgram("2022", "Microsoft's PKCS12_PBES2_EXPORT_PARAMS (AES256 with SHA256); openssl #27035",
		all(windowsOld, just("HMAC-SHA256", "PBKDF2-HMAC-SHA256", "AES-256-CBC")), nil),
	{"Android", "", "developer.android.com, java.security.KeyStore; strongswan-docs #5, clip_share_server #48; BouncyCastle 1.84 measured",
		map[string]knowledge{
			"p12": {
				algorithms: all(just("HMAC-SHA1", "HMAC-SHA256"), prfs, aes, pkcs12DES, pkcs12RC),
				keys:       all(rsaKeys[:1], just("P-224"), nistCurves),
				needs:      each("Android 14 or newer; older ones call the password wrong", just("HMAC-SHA256"), prfs, aes),
				refuses: map[string]string{
					armoured:           noArmour,
					certificateOnly:    "a PKCS12 is installed as a key with its certificate",
					noCertificate:      "a PKCS12 is installed as a key with its certificate",
					emptyPassword:      "it refuses the empty password",
					unknownCertificate: "it refuses a file with a certificate that is not X.509",
					duplicateAlias:     "of entries with the same alias it shows only the last",
					nestedSafe:         "it does not look into a safe within a safe",
					javaPairing:        "it goes by localKeyID and name, and finds no certificate or another's for a key",
					ownPassword:        "it takes one password, and a key has another than the file",
				},
			},
			"pem": androidImports, "der": androidImports,
		}, "it reads PKCS12, and certificates in PEM and DER", nil},
	{"Apple", "", "tauri #15844 (macOS 26), alt-tab-macos #3170 (macOS 14), codemagic cli-tools #428 and #436 (macOS 15); SecKey's key types, security(1)",
		map[string]knowledge{
			"p12": {
				algorithms: all(just("HMAC-SHA1", "HMAC-SHA256", "PBKDF2-HMAC-SHA256", "AES-256-CBC"), pkcs12DES, pkcs12RC),
				keys:       all(rsaKeys[:1], nistCurves),
				needs: each("security import -f pkcs12 on macOS 26; macOS 14 and older call the password wrong",
					just("HMAC-SHA256", "PBKDF2-HMAC-SHA256", "AES-256-CBC")),
				refuses: map[string]string{
					armoured:      noArmour,
					noMAC:         "it refuses files without a MAC",
					emptyPassword: "it refuses the empty password",
					ownPassword:   "it takes one password, and a key has another than the file",
				},
			},
			"pem": appleImports, "der": appleImports, "pkcs7": plain,
		}, noJavaFormats, nil},
}

var (
	windowsOld   = all(just("HMAC-SHA1", "PBE-SHA1-3DES"), pkcs12RC)
	appleImports = knowledge{
		refuses: map[string]string{encryptedKey: "it takes encrypted keys from PKCS12", mismatched: notTheKeys},
		needs:   map[string]string{holdsKey: "security import -f openssl"},
	}
	androidImports = knowledge{
		refuses: map[string]string{holdsKey: "it installs private keys from PKCS12 only"},
		needs:   map[string]string{anyFile: "install each certificate by itself"},
	}
)

// windowsProgram is the row of one Windows Server, as its import dialogue, Import-PfxCertificate and .NET read files.
func windowsProgram(version, source string, algorithms []string, needs map[string]string) program {
	imported := knowledge{
		refuses: map[string]string{holdsKey: "it imports private keys from PKCS12 only"},
		needs:   map[string]string{anyFile: "Import-Certificate; of several in a PEM file it takes the first"},
	}
	return program{"Windows Server", version, source, map[string]knowledge{
		"p12": {
			algorithms: algorithms,
			needs:      needs,
			refuses: with(each("its TLS knows RSA and EC keys only", edwardsKeys, agreement), map[string]string{
				armoured:    noArmour,
				ownPassword: "it takes one password, and a key has another than the file",
			}),
		},
		"pem": imported, "der": imported, "pkcs7": always("Import-Certificate"),
	}, noJavaFormats, nil}
}
