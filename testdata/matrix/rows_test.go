package matrix

import (
	"path/filepath"
	"slices"
	"strings"
)

// The formats, each with a table of its own.
const (
	fmtPKCS12 = "PKCS12"
	fmtJKS    = "JKS"
	fmtJCEKS  = "JCEKS"
	fmtPEM    = "PEM keys"
	fmtCerts  = "Certificates"
	fmtPKCS7  = "PKCS#7"
)

// tables are the formats in their order.
var tables = []string{fmtPKCS12, fmtJKS, fmtJCEKS, fmtPEM, fmtCerts, fmtPKCS7}

// The traits of a file that decide who reads it. Those of what is in it are found in its content.
const (
	traitRC2    = "RC2"
	traitPBMAC1 = "PBMAC1"
	traitGCM    = "AES-GCM"
	traitNoMAC  = "no MAC"
	traitOpen   = "open" // neither encryption nor MAC
	traitScrypt = "scrypt"
	traitSealed = "encrypted" // a PEM key
	traitDER    = "DER"
	traitBag    = "Bag Attributes"

	traitKeyless = "no key"
	traitSeveral = "several keys"
	traitTrusted = "trusted entries"
	traitLoose   = "unmarked certificates"
	traitRSA     = "RSA"
	traitEd25519 = "Ed25519"
)

// row is one file, and a line of its format's table.
type row struct {
	format  string
	writer  string // the name of the program
	variant string // what is special about it, "" for the program's default
	content string
	how     string // for the program: options or the name of a variant
	traits  string // beside those of the content, apart by commas

	path     string
	password string // "" for none
	want     []entry
}

// rows are all files. Those of one writer are written in this order.
var rows = slices.Concat(oursRows, javaRows(keytool17), javaRows(keytool25), []row{
	{format: fmtPKCS12, writer: openssl, content: oneKey},
	{format: fmtPKCS12, writer: openssl, variant: "`-legacy`", content: oneKey, how: "-legacy", traits: traitRC2},
	{format: fmtPKCS12, writer: openssl, variant: "3DES, SHA-1", content: oneKey, how: "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1"},
	{format: fmtPKCS12, writer: openssl, content: edKey},
	{format: fmtPKCS12, writer: openssl, variant: "`-nomac`", content: oneKey, how: "-nomac", traits: traitNoMAC},
	{format: fmtPKCS12, writer: openssl, variant: "`-nokeys`", content: chainOnly, how: "-nokeys"},
	{format: fmtPEM, writer: openssl, variant: "PKCS#8", content: oneKey, how: "pkcs8 -topk8 -nocrypt"},
	{format: fmtPEM, writer: openssl, variant: "PKCS#8, encrypted", content: oneKey, how: "pkcs8 -topk8", traits: traitSealed},
	{format: fmtPEM, writer: openssl, variant: "PKCS#8, encrypted with scrypt", content: oneKey, how: "pkcs8 -topk8 -scrypt", traits: traitSealed + "," + traitScrypt},
	{format: fmtPEM, writer: openssl, variant: "traditional, encrypted", content: oneKey, how: "ec -aes256", traits: traitSealed},
	{format: fmtPEM, writer: openssl, variant: "traditional, encrypted", content: rsaKey, how: "rsa -aes256 -traditional", traits: traitSealed},
	{format: fmtPEM, writer: openssl, variant: "`pkcs12 -nodes`", content: oneKey, how: "pkcs12 -nodes", traits: traitBag},
	{format: fmtPKCS7, writer: openssl, variant: "PEM", content: chainOnly, how: "crl2pkcs7 -nocrl"},
	{format: fmtPKCS7, writer: openssl, variant: "DER", content: chainOnly, how: "crl2pkcs7 -nocrl -outform DER", traits: traitDER},
	{format: fmtCerts, writer: openssl, variant: "DER", content: oneCert, how: "x509 -outform DER", traits: traitDER},

	{format: fmtPKCS12, writer: pk12util, content: oneKey},

	{format: fmtPKCS12, writer: certtool, content: rsaKey}, // it takes but one CA certificate
	{format: fmtPEM, writer: certtool, variant: "PKCS#8", content: oneKey, how: "--pkcs-cipher none"},
	{format: fmtPEM, writer: certtool, variant: "PKCS#8, encrypted", content: oneKey, how: "--pkcs-cipher aes-256", traits: traitSealed},
}, pythonRows(pythonSystem), pythonRows(pythonNew), []row{
	{format: fmtPKCS12, writer: pythonNew, content: trustStore, how: "trust store"},

	{format: fmtPKCS12, writer: bouncy, content: oneKey, how: "PKCS12", traits: traitRC2},
	{format: fmtPKCS12, writer: bouncy, content: manyKeys, how: "PKCS12", traits: traitRC2},
	{format: fmtPKCS12, writer: bouncy, content: trustStore, how: "PKCS12", traits: traitRC2},
	{format: fmtPKCS12, writer: bouncy, variant: "PKCS12-3DES-3DES", content: oneKey, how: "PKCS12-3DES-3DES"},
	{format: fmtPKCS12, writer: bouncy, variant: "PKCS12-AES256-AES128", content: oneKey, how: "PKCS12-AES256-AES128"},
	{format: fmtPKCS12, writer: bouncy, variant: "PKCS12-AES256-AES128-GCM", content: oneKey, how: "PKCS12-AES256-AES128-GCM", traits: traitGCM + "," + traitNoMAC},
	{format: fmtPKCS12, writer: bouncy, variant: "PKCS12-PBMAC1", content: oneKey, how: "PKCS12-PBMAC1", traits: traitPBMAC1},
	{format: fmtPEM, writer: bouncy, variant: "PKCS#8", content: oneKey, how: "PEM"},
	{format: fmtPEM, writer: bouncy, variant: "PKCS#8, encrypted", content: oneKey, how: "PEM", traits: traitSealed},
	{format: fmtPKCS7, writer: bouncy, variant: "BER", content: chainOnly, how: "PKCS7", traits: traitDER},

	{format: fmtPEM, writer: node, variant: "PKCS#8", content: oneKey, how: "PEM"},
	{format: fmtPEM, writer: node, variant: "PKCS#8, encrypted", content: oneKey, how: "PEM", traits: traitSealed},

	{format: fmtPKCS12, writer: forge, variant: "AES", content: rsaKey, how: "aes256"},
	{format: fmtPKCS12, writer: forge, variant: "3DES", content: rsaKey, how: "3des"},
	{format: fmtPEM, writer: forge, variant: "PKCS#8", content: rsaKey, how: "PEM"},
	{format: fmtPEM, writer: forge, variant: "PKCS#8, encrypted", content: rsaKey, how: "PEM", traits: traitSealed},
})

// oursRows are what mqttpki writes; how is the codec's name and its profile.
var oursRows = []row{
	{format: fmtPKCS12, writer: ours, variant: "modern", content: oneKey, how: "p12 modern"},
	{format: fmtPKCS12, writer: ours, variant: "modern", content: manyKeys, how: "p12 modern"},
	{format: fmtPKCS12, writer: ours, variant: "modern", content: trustStore, how: "p12 modern"},
	{format: fmtPKCS12, writer: ours, variant: "modern", content: rsaKey, how: "p12 modern"},
	{format: fmtPKCS12, writer: ours, variant: "modern", content: edKey, how: "p12 modern"},
	{format: fmtPKCS12, writer: ours, variant: "legacy", content: oneKey, how: "p12 legacy"},
	{format: fmtPKCS12, writer: ours, variant: "legacy", content: manyKeys, how: "p12 legacy"},
	{format: fmtPKCS12, writer: ours, variant: "legacy", content: rsaKey, how: "p12 legacy"},
	{format: fmtPKCS12, writer: ours, variant: "pbmac1", content: oneKey, how: "p12 pbmac1", traits: traitPBMAC1},
	{format: fmtPKCS12, writer: ours, variant: "pbmac1", content: manyKeys, how: "p12 pbmac1", traits: traitPBMAC1},
	{format: fmtPKCS12, writer: ours, variant: "passwordless-trust", content: trustStore, how: "p12 passwordless-trust", traits: traitOpen},
	{format: fmtJKS, writer: ours, content: oneKey, how: "jks"},
	{format: fmtJKS, writer: ours, content: manyKeys, how: "jks"},
	{format: fmtJKS, writer: ours, content: trustStore, how: "jks"},
	{format: fmtJKS, writer: ours, content: edKey, how: "jks"},
	{format: fmtPEM, writer: ours, content: oneKey, how: "pem"},
	{format: fmtPEM, writer: ours, variant: "encrypted", content: oneKey, how: "pem", traits: traitSealed},
	{format: fmtPEM, writer: ours, variant: "encrypted", content: rsaKey, how: "pem", traits: traitSealed},
	{format: fmtPEM, writer: ours, variant: "encrypted", content: edKey, how: "pem", traits: traitSealed},
	{format: fmtCerts, writer: ours, variant: "PEM", content: chainOnly, how: "pem"},
	{format: fmtCerts, writer: ours, variant: "DER", content: oneCert, how: "der", traits: traitDER},
	{format: fmtPKCS7, writer: ours, variant: "PEM", content: chainOnly, how: "p7b pem"},
	{format: fmtPKCS7, writer: ours, variant: "DER", content: chainOnly, how: "p7b der", traits: traitDER},
	{format: fmtPKCS7, writer: ours, variant: "BER", content: chainOnly, how: "p7b ber", traits: traitDER},
}

// javaRows are what the keytool of a JDK writes; how is the type of the store and what is set for keytool. What is set
// stays so, and legacy overrides the rest: so these come last, in this order. Few iterations do here, as in what we write.
func javaRows(writer string) []row {
	few := " -J-Dkeystore.pkcs12.keyPbeIterationCount=2048 -J-Dkeystore.pkcs12.certPbeIterationCount=2048" +
		" -J-Dkeystore.pkcs12.macIterationCount=2048 -J-Djdk.jceks.iterationCount=10000"
	return []row{
		{format: fmtJKS, writer: writer, content: manyKeys, how: "JKS"},
		{format: fmtJKS, writer: writer, content: trustStore, how: "JKS"},
		{format: fmtJCEKS, writer: writer, content: manyKeys, how: "JCEKS" + few},
		{format: fmtPKCS12, writer: writer, content: oneKey, how: "PKCS12"},
		{format: fmtPKCS12, writer: writer, content: manyKeys, how: "PKCS12"},
		{format: fmtPKCS12, writer: writer, content: trustStore, how: "PKCS12"},
		{format: fmtPKCS12, writer: writer, variant: "passwordless", content: trustStore, traits: traitOpen,
			how: "PKCS12 -J-Dkeystore.pkcs12.macAlgorithm=NONE -J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE"},
		{format: fmtPKCS12, writer: writer, variant: "`-Dkeystore.pkcs12.legacy`", content: oneKey, how: "PKCS12 -J-Dkeystore.pkcs12.legacy=true", traits: traitRC2},
		{format: fmtCerts, writer: writer, variant: "`-exportcert -rfc`", content: oneCert, how: "-rfc"},
		{format: fmtCerts, writer: writer, variant: "`-exportcert`", content: oneCert, how: "-exportcert", traits: traitDER},
	}
}

// pythonRows are what every version of Python's cryptography writes.
func pythonRows(writer string) []row {
	return []row{
		{format: fmtPKCS12, writer: writer, content: oneKey, how: "PKCS12"},
		{format: fmtPKCS12, writer: writer, variant: "3DES, SHA-1", content: oneKey, how: "PKCS12-3DES"},
		{format: fmtPEM, writer: writer, variant: "PKCS#8", content: oneKey, how: "PEM"},
		{format: fmtPEM, writer: writer, variant: "PKCS#8, encrypted", content: oneKey, how: "PEM", traits: traitSealed},
		{format: fmtPEM, writer: writer, variant: "traditional, encrypted", content: rsaKey, how: "PEM-traditional", traits: traitSealed},
		{format: fmtPKCS7, writer: writer, variant: "PEM", content: chainOnly, how: "PKCS7"},
		{format: fmtPKCS7, writer: writer, variant: "DER", content: chainOnly, how: "PKCS7-DER", traits: traitDER},
	}
}

// label is how the row is called in its table.
func (r *row) label() string {
	if r.variant == "" {
		return r.writer + ": " + r.content
	}
	return r.writer + " " + r.variant + ": " + r.content
}

// name is how messages call the row.
func (r *row) name() string { return r.format + ", " + r.label() }

// is reports whether the file has a trait, or with "!" before it that it has not.
func (r *row) is(trait string) bool {
	if other, negated := strings.CutPrefix(trait, "!"); negated {
		return !r.is(other)
	}
	switch trait {
	case traitKeyless:
		return count(r.want, kindKey) == 0
	case traitSeveral:
		return count(r.want, kindKey) > 1
	case traitTrusted:
		return count(r.want, kindTrusted) > 0
	case traitLoose:
		return count(r.want, kindCert) > 0
	case traitRSA:
		return r.content == rsaKey
	case traitEd25519:
		return r.content == edKey
	}
	has := slices.Contains(strings.Split(r.traits, ","), trait)
	return has || trait == traitNoMAC && r.is(traitOpen)
}

// nameless are the entries as a format without names has them.
func nameless(entries []entry) []entry {
	out := slices.Clone(entries)
	for i := range out {
		out[i].alias = ""
	}
	return out
}

// prepare gives every row its content, and a place in dir.
func prepare(m *material, dir string) []*row {
	var all []*row
	for i := range rows {
		r := rows[i]
		r.want = m.contents[r.content]
		if r.format == fmtPEM && r.writer != ours && !r.is(traitBag) {
			r.want = nameless(r.want)
		}
		store := r.format == fmtPKCS12 || r.format == fmtJKS || r.format == fmtJCEKS
		if store && !r.is(traitOpen) || r.is(traitSealed) {
			r.password = password
		}
		r.path = filepath.Join(dir, strings.ReplaceAll(r.format, " ", "-")+"-"+string(rune('a'+i/26))+string(rune('a'+i%26)))
		all = append(all, &r)
	}
	return all
}
