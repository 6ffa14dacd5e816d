package pbe

import (
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// strangers are algorithms met in key files that this package does not read, named for the error message: those that
// OpenSSL can be told to write, and some of other programs.
var strangers = map[string]string{
	"2.16.840.1.101.3.4.1.1":  "AES-128-ECB",
	"2.16.840.1.101.3.4.1.21": "AES-192-ECB",
	"2.16.840.1.101.3.4.1.41": "AES-256-ECB",
	"2.16.840.1.101.3.4.1.3":  "AES-128-OFB",
	"2.16.840.1.101.3.4.1.23": "AES-192-OFB",
	"2.16.840.1.101.3.4.1.43": "AES-256-OFB",
	"2.16.840.1.101.3.4.1.4":  "AES-128-CFB",
	"2.16.840.1.101.3.4.1.24": "AES-192-CFB",
	"2.16.840.1.101.3.4.1.44": "AES-256-CFB",
	"2.16.840.1.101.3.4.1.6":  "AES-128-GCM",
	"2.16.840.1.101.3.4.1.26": "AES-192-GCM",
	"2.16.840.1.101.3.4.1.46": "AES-256-GCM",
	"2.16.840.1.101.3.4.1.7":  "AES-128-CCM",
	"2.16.840.1.101.3.4.1.27": "AES-192-CCM",
	"2.16.840.1.101.3.4.1.47": "AES-256-CCM",

	"1.2.840.113549.1.9.16.3.18": "ChaCha20-Poly1305",

	"1.2.392.200011.61.1.1.1.2": "Camellia-128-CBC",
	"1.2.392.200011.61.1.1.1.3": "Camellia-192-CBC",
	"1.2.392.200011.61.1.1.1.4": "Camellia-256-CBC",
	"0.3.4401.5.3.1.9.1":        "Camellia-128-ECB",
	"0.3.4401.5.3.1.9.21":       "Camellia-192-ECB",
	"0.3.4401.5.3.1.9.41":       "Camellia-256-ECB",
	"1.2.410.200046.1.1.2":      "ARIA-128-CBC",
	"1.2.410.200046.1.1.7":      "ARIA-192-CBC",
	"1.2.410.200046.1.1.12":     "ARIA-256-CBC",
	"1.2.410.200004.1.4":        "SEED-CBC",
	"1.2.156.10197.1.104.2":     "SM4-CBC",
	"1.3.6.1.4.1.3029.1.2":      "Blowfish-CBC",
	"1.2.840.113533.7.66.10":    "CAST5-CBC",
	"1.3.6.1.4.1.188.7.1.1.2":   "IDEA-CBC",
	"1.2.840.113549.3.9":        "RC5-CBC",
	"1.3.14.3.2.9":              "DES-CFB",
	"1.3.14.3.2.17":             "DES-EDE",
	"1.2.643.2.2.21":            "GOST 28147-89",
	"1.2.643.7.1.1.5.2.2":       "GOST Kuznyechik-CTR",

	"1.2.840.113549.1.5.1":    "PBE-MD2-DES",
	"1.2.840.113549.1.5.4":    "PBE-MD2-RC2-64",
	"1.3.6.1.4.1.42.2.17.1.1": "the Sun JKS key protector",
	"1.3.6.1.4.1.42.2.19.1":   "the Sun JCEKS key protector",

	"1.2.840.113549.2.2":         "MD2",
	"1.2.840.113549.2.4":         "MD4",
	"1.3.36.3.2.1":               "RIPEMD-160",
	"1.0.10118.3.0.55":           "Whirlpool",
	"1.3.6.1.4.1.1722.12.2.1.16": "BLAKE2b-512",
	"1.3.6.1.4.1.1722.12.2.2.8":  "BLAKE2s-256",
	"1.2.156.10197.1.401":        "SM3",
	"1.2.156.10197.1.401.2":      "HMAC-SM3",
	"1.2.643.7.1.1.2.2":          "GOST R 34.11-2012, 256 bits",
	"1.2.643.7.1.1.2.3":          "GOST R 34.11-2012, 512 bits",
	"1.2.643.2.2.10":             "HMAC-GOST R 34.11-94",
	"1.2.643.7.1.1.4.1":          "HMAC-GOST R 34.11-2012, 256 bits",
	"1.2.643.7.1.1.4.2":          "HMAC-GOST R 34.11-2012, 512 bits",
}

// unsupported reports an algorithm by what it was to do, its name where it has one, and its OID.
func unsupported(role, oid string) error {
	if name, ok := strangers[oid]; ok {
		return fmt.Errorf("reading the %s algorithm: %s (%s): %w", role, name, oid, keystore.ErrUnsupported)
	}
	if h, ok := hmacs[oid]; ok { // Java 25 puts one where a plain digest belongs
		return fmt.Errorf("reading the %s algorithm: HMAC-%s (%s), which has no place here: %w", role, h.Name, oid, keystore.ErrUnsupported)
	}
	return fmt.Errorf("reading the %s algorithm: %s: %w", role, oid, keystore.ErrUnsupported)
}
