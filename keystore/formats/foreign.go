package formats

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"regexp"
)

// foreign is a format that is recognised but not read.
type foreign struct {
	name   string
	remedy string // the command that makes something of it that is read
	sniff  func(data []byte) bool
}

const withBouncy = "-providerpath bcprov.jar -provider org.bouncycastle.jce.provider.BouncyCastleProvider converts it"

// foreigners are tried in order.
var foreigners = []foreign{
	{"BCFKS (Bouncy Castle FIPS)", "keytool -importkeystore -srcstoretype BCFKS -deststoretype PKCS12 " + withBouncy, isBCFKS},
	{"BKS (Bouncy Castle)", "keytool -importkeystore -srcstoretype BKS -deststoretype PKCS12 " + withBouncy, isBKS},
	{"UBER (Bouncy Castle)", "keytool -importkeystore -srcstoretype UBER -deststoretype PKCS12 " + withBouncy, isUBER},
	{"KDB (IBM CMS key database)", "runmqakm -keydb -convert -db FILE -stashed -old_format cms -new_format pkcs12 converts it", isKDB},
	{"NSS database", "pk12util -o OUT.p12 -n NICKNAME -d sql:DIRECTORY takes a key out of it", prefix("SQLite format 3\x00")},
	{"Windows certificate store (SST)", "PowerShell: Import-Certificate, then Export-PfxCertificate", prefix("\x00\x00\x00\x00CERT")},
	{"macOS keychain", "security export -f pkcs12 -t identities -o OUT.p12 takes the keys out of it", prefix("kych")},
	{"PuTTY key", "puttygen FILE -O private-openssh -o KEY, then ssh-keygen -p -m PKCS8 -f KEY converts it", prefix("PuTTY-User-Key-File-")},
	{"OpenSSH key", "ssh-keygen -p -m PKCS8 -f FILE converts a private one, ssh-keygen -e -m PKCS8 -f FILE a public one", isOpenSSH},
	{"OpenPGP", "OpenPGP keys are not for TLS", isOpenPGP},
	{"JWK (JSON Web Key)", "step crypto key format --pkcs8 --pem FILE converts it", isJWK},
	{"XML key (.NET RSAKeyValue)", "RSA.FromXmlString and ExportPkcs8PrivateKeyPem convert it", isXMLKey},
}

// recognise returns the foreign format that data is of, or nil.
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

// bouncyEntries returns what follows the head that BKS and UBER share, version, salt and iterations, or nil.
func bouncyEntries(data []byte) []byte {
	if len(data) < 8 {
		return nil
	}
	version, salt := binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
	if version > 2 || salt < 8 || salt > 64 || len(data) < 8+int(salt)+4+1 {
		return nil
	}
	rest := data[8+salt:]
	if iterations := binary.BigEndian.Uint32(rest); iterations == 0 || iterations > 1<<24 {
		return nil
	}
	return rest[4:]
}

// isBKS reports whether the first entry has one of BKS's types, 1 to 4, or is the end mark 0, and a name.
func isBKS(data []byte) bool {
	rest := bouncyEntries(data)
	if len(rest) < 3 || rest[0] > 4 {
		return false
	}
	return rest[0] == 0 || rest[1] < 0x10 // a name of less than 4096 bytes
}

// isUBER reports whether the head of BKS is followed by something encrypted.
func isUBER(data []byte) bool { return bouncyEntries(data) != nil && !isBKS(data) }

// isBCFKS reports whether data is a SEQUENCE that begins with something encrypted with PBES2, which no other one does.
func isBCFKS(data []byte) bool {
	pbes2 := []byte{0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D}
	for range 3 { // ObjectStore, EncryptedObjectStoreData, AlgorithmIdentifier
		if len(data) < 2 || data[0] != 0x30 {
			return false
		}
		size := 2
		if data[1] > 0x80 {
			size += int(data[1] & 0x7F)
		}
		if size > len(data) {
			return false
		}
		data = data[size:]
	}
	return bytes.HasPrefix(data, pbes2)
}

// isKDB reports whether data is a database of IBM's GSKit: its magic, behind a version.
func isKDB(data []byte) bool {
	return len(data) > 15 && string(data[8:15]) == "X509KEY"
}

// sshPublic matches a line of a public key or of authorized_keys.
var sshPublic = regexp.MustCompile(`^(ssh-(rsa|dss|ed25519)|ecdsa-sha2-\S+|sk-\S+@openssh\.com) AAAA`)

// isOpenSSH reports whether data is a private or public key of OpenSSH's own.
func isOpenSSH(data []byte) bool {
	return bytes.HasPrefix(data, []byte("-----BEGIN OPENSSH PRIVATE KEY-----")) ||
		bytes.HasPrefix(data, []byte("---- BEGIN SSH2 PUBLIC KEY ----")) || sshPublic.Match(data[:min(len(data), 200)])
}

// isOpenPGP reports whether data is an armoured OpenPGP object.
func isOpenPGP(data []byte) bool { return bytes.HasPrefix(data, []byte("-----BEGIN PGP ")) }

// isJWK reports whether data is a JSON Web Key or a set of them, or begins as one: an object with "kty" or "keys" in it.
func isJWK(data []byte) bool {
	in := json.NewDecoder(bytes.NewReader(data))
	if start, err := in.Token(); err != nil || start != json.Delim('{') {
		return false
	}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return false
		}
		if name == "kty" || name == "keys" {
			return true
		}
		var skipped json.RawMessage
		if in.Decode(&skipped) != nil {
			return false
		}
	}
	return false
}

// isXMLKey reports whether data is what .NET's RSA.ToXmlString makes.
func isXMLKey(data []byte) bool {
	return bytes.Contains(data[:min(len(data), 512)], []byte("<RSAKeyValue>"))
}
