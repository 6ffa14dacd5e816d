package p12file

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// put writes a file into dir.
func put(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
}

// get reads a file from dir.
func get(t testing.TB, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return data
}

// everyReader are the profiles that every program of these tests reads.
var everyReader = []string{ProfileModern, ProfileLegacy}

// TestKeytoolReads has Java list our files, and copy them, which opens each key.
func TestKeytoolReads(t *testing.T) {
	t.Parallel()
	for _, jdk := range interop.JDKs(t) {
		t.Run(fmt.Sprintf("JDK %d", jdk.Version), func(t *testing.T) {
			dir := t.TempDir()
			var commands [][]string
			var fitted *keystore.Store
			s := bigStore(t, true)
			for _, profile := range everyReader {
				var data []byte
				data, fitted = write(t, s, fast(profile))
				put(t, dir, profile+".p12", data)
				commands = append(commands, onStore(profile+".p12", "-list", "-v"), []string{"-importkeystore", "-noprompt",
					"-srckeystore", profile + ".p12", "-srcstoretype", "PKCS12", "-srcstorepass", "changeit",
					"-destkeystore", "copy-" + profile + ".p12", "-deststoretype", "PKCS12", "-deststorepass", "changeit"})
			}
			trust, _ := write(t, &keystore.Store{Anchors: s.Anchors}, fast(ProfilePasswordlessTrust))
			put(t, dir, "trust.p12", trust)
			answers := jdk.Keytool(t, dir, append(commands,
				[]string{"-list", "-v", "-keystore", "trust.p12", "-storetype", "PKCS12", "-storepass", "anything"})...)
			for i, profile := range everyReader {
				requireListed(t, answers[2*i])
				copied, err := Codec{}.Decode(get(t, dir, "copy-"+profile+".p12"), reading("changeit"))
				require.NoError(t, err)
				requireCopied(t, fitted, copied)
			}
			assert.Equal(t, 2, strings.Count(answers[len(answers)-1], "trustedCertEntry"), answers[len(answers)-1])
		})
	}
}

// requireListed checks what keytool says of bigStore.
func requireListed(t *testing.T, list string) {
	t.Helper()
	assert.Contains(t, list, "contains 6 entries")
	for alias, chain := range map[string]int{"server": 3, "sensor-17": 3, "selfsigned": 1, "ed": 3} {
		assert.Regexp(t, regexp.MustCompile(fmt.Sprintf("Alias name: %s\n.*\nEntry type: PrivateKeyEntry\nCertificate chain length: %d", alias, chain)), list)
	}
	for _, alias := range []string{"rootca", "other"} {
		assert.Regexp(t, regexp.MustCompile("Alias name: "+alias+"\n.*\nEntry type: trustedCertEntry"), list)
	}
	assert.Contains(t, list, "May 6, 2026", "the dates are ours")
}

// requireCopied compares the keys of a store that Java copied, in whatever order.
func requireCopied(t *testing.T, want, got *keystore.Store) {
	t.Helper()
	require.Len(t, got.Identities, len(want.Identities))
	keys := map[string]*keystore.PrivateKey{}
	for _, id := range got.Identities {
		keys[id.Alias] = id.Key
	}
	for _, id := range want.Identities {
		require.NotNil(t, keys[id.Alias], id.Alias)
		assert.Equal(t, id.Key.PublicID(), keys[id.Alias].PublicID())
	}
}

// TestKeytoolReadsUnicode has Java list a file whose password is not ASCII, which Java 17 cannot: Fit says so.
func TestKeytoolReadsUnicode(t *testing.T) {
	t.Parallel()
	for _, jdk := range interop.JDKs(t) {
		dir := t.TempDir()
		opts := fast("")
		opts.Password = keystore.Secret("pässwörd€😀")
		s := bigStore(t, false)
		_, changes, err := Codec{}.Fit(s, opts)
		require.NoError(t, err)
		assert.Contains(t, fmt.Sprint(changes), "Java 17 and older refuse")
		data, _ := write(t, s, opts)
		put(t, dir, "s.p12", data)
		put(t, dir, "pass", opts.Password) // a file, since arguments are in the encoding of the machine
		list := []string{"-list", "-keystore", "s.p12", "-storetype", "PKCS12", "-storepass:file", "pass"}
		if jdk.Version < 18 {
			list = append([]string{"!"}, list...)
		}
		answer := jdk.Keytool(t, dir, list)[0]
		assert.Equal(t, jdk.Version >= 18, strings.Contains(answer, "contains 5 entries"), answer)
	}
}

// TestOpenSSLReads compares every key and certificate that openssl finds, under passwords that need care.
func TestOpenSSLReads(t *testing.T) {
	t.Parallel()
	openssl := interop.Need(t, "openssl")
	for _, profile := range everyReader {
		for _, pw := range []string{"changeit", "", "pässwörd€😀"} {
			t.Run(fmt.Sprintf("%s %q", profile, pw), func(t *testing.T) {
				dir := t.TempDir()
				opts := fast(profile)
				opts.Password = keystore.Secret(pw)
				data, fitted := write(t, bigStore(t, true), opts)
				put(t, dir, "s.p12", data)
				out := interop.Run(t, dir, openssl, "pkcs12", "-in", "s.p12", "-passin", "pass:"+pw, "-nodes")
				var keys, certs int
				for rest := []byte(out); ; {
					var block *pem.Block
					if block, rest = pem.Decode(rest); block == nil {
						break
					}
					if block.Type == "CERTIFICATE" {
						certs++
						continue
					}
					key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
					require.NoError(t, err)
					want, err := x509.ParsePKCS8PrivateKey(fitted.Identities[keys].Key.PKCS8)
					require.NoError(t, err)
					assert.Equal(t, want, key)
					keys++
				}
				assert.Equal(t, 4, keys)
				assert.Equal(t, 4+2+2+1, certs, "leaves, chain, trusted and loose")
				assert.Equal(t, 2, strings.Count(out, "friendlyName: sensor-17"), "the alias is on key and leaf")
				asn1 := interop.Run(t, dir, openssl, "asn1parse", "-inform", "DER", "-in", "s.p12")
				assert.NotContains(t, asn1, "l=inf", "DER")
			})
		}
	}
}

// TestNSSReads imports our file into a new NSS database. NSS 3.87 takes no Ed25519 keys.
func TestNSSReads(t *testing.T) {
	t.Parallel()
	pk12util, certutil := interop.Need(t, "pk12util"), interop.Need(t, "certutil")
	for _, profile := range everyReader {
		for _, pw := range []string{"changeit", "pässwörd€"} {
			dir := t.TempDir()
			opts := fast(profile)
			opts.Password = keystore.Secret(pw)
			data, _ := write(t, bigStore(t, false), opts)
			put(t, dir, "s.p12", data)
			interop.Run(t, dir, certutil, "-N", "-d", "sql:"+dir, "--empty-password")
			interop.Run(t, dir, pk12util, "-i", "s.p12", "-d", "sql:"+dir, "-W", pw, "-K", "")
			keys := interop.Run(t, dir, certutil, "-K", "-d", "sql:"+dir)
			for _, alias := range []string{"server", "sensor-17", "selfsigned"} {
				assert.Contains(t, keys, alias, "%s %q", profile, pw)
			}
		}
	}
}

// TestGnuTLSReads has certtool check the MAC and open every key.
func TestGnuTLSReads(t *testing.T) {
	t.Parallel()
	certtool := interop.Need(t, "certtool")
	for _, profile := range everyReader {
		dir := t.TempDir()
		opts := fast(profile)
		opts.Password = keystore.Secret("pässwörd€😀")
		data, _ := write(t, bigStore(t, true), opts)
		put(t, dir, "s.p12", data)
		out := interop.Run(t, dir, certtool, "--p12-info", "--inder", "--infile", "s.p12", "--password", string(opts.Password))
		keys := 0
		for rest := []byte(out); ; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			if block.Type != "CERTIFICATE" {
				put(t, dir, "k.pem", pem.EncodeToMemory(block))
				interop.Run(t, dir, certtool, "--key-info", "--infile", "k.pem", "--password", string(opts.Password))
				keys++
			}
		}
		assert.Equal(t, 4, keys, profile)
	}
}

// TestPythonReads loads stores of one key, which is all that its API shows, with Python's cryptography.
func TestPythonReads(t *testing.T) {
	t.Parallel()
	python := interop.Python(t, "cryptography")
	script := `
import sys
from cryptography.hazmat.primitives.serialization import pkcs12
for f in sys.argv[1:]:
    p = pkcs12.load_pkcs12(open(f, "rb").read(), b"changeit")
    print(p.key.key_size, p.cert.friendly_name.decode(), len(p.additional_certs))
`
	dir := t.TempDir()
	put(t, dir, "read.py", []byte(script))
	args := []string{"read.py"}
	for _, profile := range everyReader {
		s := bigStore(t, false)
		s.Identities, s.Loose = s.Identities[1:2], nil
		data, _ := write(t, s, fast(profile))
		put(t, dir, profile+".p12", data)
		args = append(args, profile+".p12")
	}
	assert.Equal(t, strings.Repeat("256 sensor-17 4\n", 2), interop.Run(t, dir, python, args...))
}
