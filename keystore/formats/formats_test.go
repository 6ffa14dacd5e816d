package formats

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

func TestByName(t *testing.T) {
	for name, want := range map[string]string{"pem": "pem", "P12": "p12", "pkcs12": "p12", "PFX": "p12", "jks": "jks", "crt": "pem", "PKCS7": "p7b", "p7c": "p7b", "der": "der"} {
		codec, err := ByName(name)
		require.NoError(t, err, name)
		assert.Equal(t, want, codec.Name())
	}
	for _, name := range []string{"", "jceks", "bks", "docx"} {
		_, err := ByName(name)
		assert.ErrorIs(t, err, keystore.ErrUnsupported, name)
	}
}

func TestByExtension(t *testing.T) {
	for name, want := range map[string]string{
		"a.pem": "pem", "dir.jks/A.CRT": "pem", `C:\certs\srv.KEYSTORE`: "jks", "x.pfx": "p12", "x.p12": "p12", "k.jceks": "jks", "chain.p7b": "p7b", "a.P7C": "p7b", "a.der": "der", "a.cer": "pem",
	} {
		codec, ok := ByExtension(name)
		require.True(t, ok, name)
		assert.Equal(t, want, codec.Name(), name)
	}
	for _, name := range []string{"", "pem", "a.docx", "a.kdb", ".hidden"} {
		_, ok := ByExtension(name)
		assert.False(t, ok, name)
	}
}

// No two codecs claim one ending, and each has a usual one.
func TestExtensionsAreDistinct(t *testing.T) {
	owner := map[string]string{}
	for _, c := range All() {
		require.NotEmpty(t, c.Extensions())
		for _, e := range c.Extensions() {
			assert.True(t, strings.HasPrefix(e, ".") && strings.ToLower(e) == e, e)
			assert.Empty(t, owner[e], e)
			owner[e] = c.Name()
		}
	}
}

// bksHead is how BKS and UBER begin: version, salt, iterations.
const bksHead = "\x00\x00\x00\x02\x00\x00\x00\x14ssssssssssssssssssss\x00\x00\x04\x00"

// foreignSamples are the beginnings of files of formats that are not read. Files of the real programs are in
// foreign_test.go, where these are on the machine.
var foreignSamples = []struct{ data, name, remedy string }{
	{bksHead + "\x01\x00\x05alias", "BKS", "-srcstoretype BKS"},
	{bksHead + "\x9f\x1c\x83\x55", "UBER", "-srcstoretype UBER"},
	{"\x30\x82\x10\x00\x30\x82\x0f\x00\x30\x57\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d\x30\x4a", "BCFKS", "-srcstoretype BCFKS"},
	{"\x37\x48\x03\x02\x00\x00\x00\x00X509KEY\x00\x00", "KDB", "runmqakm"},
	{`{"kty":"EC","crv":"P-256"}`, "JWK (JSON Web Key), public", "createPublicKey"},
	{`{"d":"AA","kty":"EC"`, "JWK (JSON Web Key), private", "createPrivateKey"},
	{`{"k":"AA","kty":"oct"}`, "JWK (JSON Web Key), symmetric", "not for TLS"},
	{" \n{\"keys\":[]}", "JWK set", "x.keys"},
	{"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl", "OpenSSH private", "ssh-keygen -p -m PKCS8"},
	{"ssh-rsa AAAAB3NzaC1yc2E me@host\n", "OpenSSH public", "ssh-keygen -e -m PKCS8"},
	{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@host\n", "OpenSSH public key (Ed25519)", "load_ssh_public_key"},
	{"PuTTY-User-Key-File-3: ssh-rsa\n", "PuTTY", "puttygen"},
	{"SQLite format 3\x00...CREATE TABLE nssPublic", "NSS", "pk12util"},
	{"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "OpenPGP", "not for TLS"},
	{"<RSAKeyValue><Modulus>", "XML", "ExportPkcs8PrivateKeyPem"},
}

// What is not read is named, with the program that makes something of it that is.
func TestForeignFormats(t *testing.T) {
	for _, tc := range foreignSamples {
		codec, format, err := Detect([]byte(tc.data))
		assert.Nil(t, codec)
		assert.Contains(t, format, tc.name)
		require.ErrorIs(t, err, keystore.ErrUnsupported)
		assert.Contains(t, err.Error(), tc.name)
		assert.Contains(t, keystore.Remedy(err), tc.remedy)
		assert.NotContains(t, err.Error(), "FILE")
	}
}

func TestWhatIsNothing(t *testing.T) {
	for _, data := range []string{"", "hello", "{}", "\x00\x00\x00\x02", "\x30\x03\x02\x01\x05", strings.Repeat("\x00", 100), `{"a":1}`, `{"d":1}`, "SQLite format 3\x00 of somebody else"} {
		codec, _, err := Detect([]byte(data))
		assert.Nil(t, codec, "%q", data)
		assert.ErrorIs(t, err, keystore.ErrFormat, "%q", data)
	}
}

// wide is text in UTF-16, little-endian, as PowerShell writes it.
func wide(text string) string {
	var out []byte
	for _, c := range []byte(text) {
		out = append(out, c, 0)
	}
	return string(out)
}

// What only nearly is PEM goes to the PEM reader, whose error names the fault.
func TestNearlyPEM(t *testing.T) {
	for data, want := range map[string]string{
		"\xFF\xFE" + wide("-----BEGIN CERTIFICATE-----\r\n"):          "has no END",
		"  -----BEGIN CERTIFICATE-----\n  MII=\n":                     "indented",
		"-----BEGIN CERTIFICATE-----MIIB-----END CERTIFICATE-----":    "on one line",
		"-----BEGIN CERTIFICATE-----\nMIIB":                           "has no END",
		"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----": "not base64",
		"-----BEGIN CERTIFICATE-----\nMIIB\n-----END X509 CRL-----":   "ends with",
		"-----END CERTIFICATE-----\n-----BEGIN ":                      "END without BEGIN",
	} {
		_, _, err := Decode([]byte(data), keystore.DecodeOptions{})
		require.ErrorIs(t, err, keystore.ErrFormat, data)
		assert.Contains(t, err.Error(), want)
	}
}

// A store goes through every format and back, keys and certificates the same bytes, names the same but for case.
func TestThroughAllFormats(t *testing.T) {
	for _, s := range conformanceStores(t) {
		if s.name != "mixed" {
			continue
		}
		store := s.store
		for step, format := range []string{"p12", "jks", "pkcs12", "pem", "pfx", "jks", "pem"} {
			data, changes, err := Encode(format, store, encodeOptions())
			require.NoError(t, err, format)
			for _, c := range changes {
				assert.NotEqual(t, keystore.ChangeLost, c.Kind, "%s loses %q: %s", format, c.Entry, c.Why)
				assert.NotEqual(t, keystore.ChangeRenamed, c.Kind, "%s renames %q", format, c.Entry)
			}
			var codec keystore.Codec
			store, codec, err = Decode(data, keystore.DecodeOptions{Password: password})
			require.NoError(t, err, format)
			known, _ := ByName(format)
			assert.Equal(t, known.Name(), codec.Name())
			assert.Equal(t, keysOf(s.store), keysOf(store))
			assert.Equal(t, certificatesOf(s.store), certificatesOf(store))
			assert.Equal(t, anchorsOf(s.store.Anchors), anchorsOf(store.Anchors))
			for i := range s.store.Identities {
				was, is := &s.store.Identities[i], &store.Identities[i]
				assert.Equal(t, was.Alias, is.Alias)
				if step < 3 && !was.Created.IsZero() { // from PEM on there is no date
					assert.Equal(t, was.Created.Truncate(time.Millisecond), is.Created, "the date, after %s", format)
				}
			}
		}
	}
}
