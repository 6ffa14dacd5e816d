package formats

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/mqttpki/mqttpki/keystore/ber"
)

// foreign is a format that is recognised but not read.
type foreign struct {
	name    string
	command string // to type, to make of FILE something that is read; tests type it where the program is at hand
	does    string // what that does
	sniff   func(data []byte) bool
}

// remedy is the command in a sentence.
func (f *foreign) remedy() string { return strings.TrimSpace(f.command + " " + f.does) }

const (
	converts = "converts it"
	tells    = "tells about it; there is no key or store in it"
	unpacks  = "takes the files out of it"
	bouncy   = " -deststoretype PKCS12 -srckeystore FILE -destkeystore OUT.p12 -providerpath bcprov.jar" +
		" -provider org.bouncycastle.jce.provider.BouncyCastleProvider"
	// ssh-keygen writes Ed25519 keys in no form but its own.
	pythonSSH = `python3 -c 'from cryptography.hazmat.primitives.serialization import *; `
	// Node.js reads JWK without any package.
	nodeJWK = `node -e 'j=JSON.parse(fs.readFileSync("FILE","utf8").trim()); `
)

// foreigners are tried in order.
var foreigners = []foreign{
	{"BCFKS (Bouncy Castle FIPS)", "keytool -importkeystore -srcstoretype BCFKS" + bouncy, converts, isBCFKS},
	{"BKS (Bouncy Castle)", "keytool -importkeystore -srcstoretype BKS" + bouncy, converts, isBKS},
	{"UBER (Bouncy Castle)", "keytool -importkeystore -srcstoretype UBER" + bouncy, converts, isUBER},
	{"KDB (IBM CMS key database)", "runmqakm -keydb -convert -db FILE -stashed -old_format cms -new_format pkcs12", converts, isKDB},
	{"NSS database", "pk12util -o OUT.p12 -n NICKNAME -d sql:DIRECTORY", "takes a key out of it, whose name certutil -K -d sql:DIRECTORY tells", isNSS},
	{"Windows certificate store (SST)", "PowerShell: Import-Certificate, then Export-PfxCertificate", converts, prefix("\x00\x00\x00\x00CERT")},
	{"Windows private key (PVK)", "openssl rsa -provider legacy -provider default -in FILE -out OUT.pem", converts, prefix("\x1E\xF1\xB5\xB0\x00\x00\x00\x00")},
	{"Windows key blob", "openssl rsa -in FILE -out OUT.pem", converts, prefix("\x07\x02\x00\x00\x00\xA4\x00\x00RSA2")},
	{"macOS keychain", "security export -k FILE -t identities -f pkcs12 -o OUT.p12", "takes the keys out of it", prefix("kych")},
	{"PuTTY key", "puttygen FILE -O private-openssh -o OUT.pem", "converts it (an Ed25519 key to one of OpenSSH)", prefix("PuTTY-User-Key-File-")},
	{"OpenSSH private key (Ed25519)", pythonSSH + `print(load_ssh_private_key(open("FILE","rb").read(), None).` +
		`private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())' > OUT.pem`, "converts it; b\"...\" for None is its passphrase", isOpenSSHEd25519},
	{"OpenSSH private key", "ssh-keygen -p -m PKCS8 -f FILE", "converts it in place", isOpenSSH},
	{"OpenSSH public key (Ed25519)", pythonSSH + `print(load_ssh_public_key([l for l in open("FILE","rb") if l.startswith(b"ssh-ed")][0]).` +
		`public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())' > OUT.pem`, converts, isOpenSSHPublicEd25519},
	{"OpenSSH public key", "ssh-keygen -e -m PKCS8 -f FILE > OUT.pem", converts, isOpenSSHPublic},
	{"SSH2 public key", "ssh-keygen -i -f FILE > OUT.pub", "makes an OpenSSH public key of it", prefix("---- BEGIN SSH2 PUBLIC KEY ----")},
	{"OpenPGP", "gpg --show-keys FILE", "tells about it; OpenPGP keys are not for TLS", prefix("-----BEGIN PGP ")},
	{"JWK (JSON Web Key), private", nodeJWK + `console.log(crypto.createPrivateKey({key: j, format: "jwk"}).export({type: "pkcs8", format: "pem"}))' > OUT.pem`,
		converts, jwkWith("d")},
	{"JWK (JSON Web Key), symmetric", "", "symmetric keys are not for TLS", jwkWith("k")},
	{"JWK (JSON Web Key), public", nodeJWK + `console.log(crypto.createPublicKey({key: j, format: "jwk"}).export({type: "spki", format: "pem"}))' > OUT.pem`,
		converts, jwkWith("kty")},
	{"JWK set (JSON Web Keys)", nodeJWK + `for (k of [j].flat().flatMap(x => x.keys || x)) console.log(crypto.createPublicKey({key: k, format: "jwk"}).export({type: "spki", format: "pem"}))' > OUT.pem`,
		"takes the public keys out of it", isJWKSet},
	{"XML key (.NET RSAKeyValue)", "PowerShell: RSA.FromXmlString, then ExportPkcs8PrivateKeyPem", converts, isXMLKey},
	{"OCSP response", "openssl ocsp -respin FILE -noverify -resp_text", tells, isOCSPResponse},
	{"timestamp query", "openssl ts -query -in FILE -text", tells, isTimestampQuery},
	{"timestamp reply", "openssl ts -reply -in FILE -text", tells, isTimestampReply},
	{"encrypted message (CMS)", "openssl cms -decrypt -inform DER -in FILE -inkey KEY.pem -out OUT", "decrypts it", isEnveloped},
	{"tar archive", "tar -xf FILE", unpacks, isTar},
	{"zip archive", "unzip FILE", unpacks, prefix("PK\x03\x04")},
	{"gzip file", "gzip -dc FILE > OUT", "decompresses it", prefix("\x1F\x8B\x08")},
}

// recognise returns the foreign format that data, a file or its beginning, is of, or nil.
func recognise(data []byte) *foreign {
	for i := range foreigners {
		if foreigners[i].sniff(data) {
			return &foreigners[i]
		}
	}
	return nil
}

// prefix returns a test for how a file begins.
func prefix(magic string) func([]byte) bool {
	return func(data []byte) bool { return bytes.HasPrefix(data, []byte(magic)) }
}

// bouncyEntries returns the version and what follows the head that BKS and UBER share, version, salt and iterations; nil
// when data does not begin so.
func bouncyEntries(data []byte) (version uint32, rest []byte) {
	if len(data) < 8 {
		return 0, nil
	}
	version, salt := binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
	if version > 2 || salt < 8 || salt > 64 || len(data) < 8+int(salt)+4+1 {
		return 0, nil
	}
	rest = data[8+salt:]
	if iterations := binary.BigEndian.Uint32(rest); iterations == 0 || iterations > 1<<24 {
		return 0, nil
	}
	return version, rest[4:]
}

// isBKS reports whether what follows the head is a store in plain: of version 2, which UBER has not, or with a first
// entry of one of BKS's types, a short name and a date before the year 4200, or with no more than the end mark and the
// HMAC-SHA1.
func isBKS(data []byte) bool {
	version, rest := bouncyEntries(data)
	switch {
	case rest == nil || rest[0] > 4:
		return false
	case version == 2:
		return true
	case rest[0] == 0:
		return len(rest) == 1+20
	case len(rest) < 3 || rest[1] >= 0x10:
		return false
	}
	date := rest[3:]
	name := int(binary.BigEndian.Uint16(rest[1:]))
	return len(date) >= name+2 && date[name] == 0 && date[name+1] == 0
}

// isUBER reports whether the head of BKS is followed by something encrypted.
func isUBER(data []byte) bool {
	_, rest := bouncyEntries(data)
	return rest != nil && !isBKS(data)
}

// isBCFKS reports whether data is a SEQUENCE that begins with something encrypted with PBES2, which no other one does.
func isBCFKS(data []byte) bool {
	pbes2 := []byte{0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D}
	for range 3 { // ObjectStore, EncryptedObjectStoreData, AlgorithmIdentifier
		content, ok := ber.Begin(data)
		if !ok {
			return false
		}
		data = content
	}
	return bytes.HasPrefix(data, pbes2)
}

// isKDB reports whether data is a database of IBM's GSKit: its magic, behind a version.
func isKDB(data []byte) bool {
	return len(data) > 15 && string(data[8:15]) == "X509KEY"
}

// isNSS reports whether data is a SQLite file with the tables of NSS, cert9.db or key4.db.
func isNSS(data []byte) bool {
	return bytes.HasPrefix(data, []byte("SQLite format 3\x00")) &&
		(bytes.Contains(data, []byte("nssPublic")) || bytes.Contains(data, []byte("nssPrivate")))
}

// opensshMark is the first line of a private key of OpenSSH's own.
const opensshMark = "-----BEGIN OPENSSH PRIVATE KEY-----"

// isOpenSSH reports whether data is such a key.
func isOpenSSH(data []byte) bool { return bytes.HasPrefix(data, []byte(opensshMark)) }

// isOpenSSHEd25519 reports whether data is such a key, for Ed25519: the type stands in the public part, before anything
// that may be encrypted.
func isOpenSSHEd25519(data []byte) bool {
	if !isOpenSSH(data) {
		return false
	}
	text := bytes.Join(bytes.Fields(data[len(opensshMark):min(len(data), 600)]), nil)
	head := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, _ := base64.StdEncoding.Decode(head, text) // it stops at the END line; what was before it is there
	return bytes.Contains(head[:n], []byte("\x00\x0Bssh-ed25519"))
}

// isXMLKey reports whether data is what .NET's RSA.ToXmlString makes.
func isXMLKey(data []byte) bool {
	return bytes.Contains(data[:min(len(data), 512)], []byte("<RSAKeyValue>"))
}
