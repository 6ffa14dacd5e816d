package cli

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/jksfile"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// The codecs' own tests have every hostile byte; these have what the commands make of such files: the four kinds of
// failure as four exit codes, and nothing that reaches the terminal, or a path, as it stands in a file.

// replaceLast replaces the last place of some bytes.
func replaceLast(t *testing.T, data []byte, from, to string) []byte {
	t.Helper()
	i := bytes.LastIndex(data, []byte(from))
	require.GreaterOrEqual(t, i, 0, "nothing to replace")
	return append(append(bytes.Clone(data[:i]), to...), data[i+len(from):]...)
}

// pkcs12Bomb is a PKCS12 of some hundred bytes whose MAC asks for that many rounds.
func pkcs12Bomb(t *testing.T, iterations int) []byte {
	t.Helper()
	type info struct {
		Type    asn1.ObjectIdentifier
		Content []byte `asn1:"tag:0,explicit"`
	}
	type algorithm struct{ ID asn1.ObjectIdentifier }
	type digest struct {
		Algorithm algorithm
		Digest    []byte
	}
	type mac struct {
		MAC        digest
		Salt       []byte
		Iterations int
	}
	data, err := asn1.Marshal(struct {
		Version int
		Safe    info
		MAC     mac
	}{3, info{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}, []byte{0x30, 0}},
		mac{digest{algorithm{asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}}, make([]byte, 20)}, make([]byte, 8), iterations}})
	require.NoError(t, err)
	require.Less(t, len(data), 120)
	return data
}

// javasJCEKS is a JCEKS with the keys of a JKS, encrypted as Java encrypts them there.
func javasJCEKS(t *testing.T, jks []byte, password, keyPassword string) []byte {
	t.Helper()
	store, err := jksfile.Codec{}.Decode(jks, keystore.DecodeOptions{Password: keystore.Secret(password), KeyPassword: keystore.Secret(keyPassword)})
	require.NoError(t, err)
	var keys []mint.JCEKSKey
	for i := range store.Identities {
		id := &store.Identities[i]
		k := mint.JCEKSKey{Alias: id.Alias, PKCS8: id.Key.PKCS8}
		for _, c := range id.Chain {
			k.Chain = append(k.Chain, c.Raw)
		}
		keys = append(keys, k)
	}
	return mint.JCEKS(t, keys, password, keyPassword, 2)
}

// sunProtector is the DER of the OID of the cipher of keys in JKS, 1.3.6.1.4.1.42.2.17.1.1, and next to it one that
// nobody has.
const (
	sunProtector   = "\x06\x0a\x2b\x06\x01\x04\x01\x2a\x02\x11\x01\x01"
	otherProtector = "\x06\x0a\x2b\x06\x01\x04\x01\x2a\x02\x11\x01\x09"
)

// failing returns, for every format that is read, the files that fail in one of the four ways.
func failing(t *testing.T) map[string]map[string][]byte {
	t.Helper()
	dir := stores(t)
	read := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return data
	}
	p12, jks, text := read("dev.p12"), read("dev.jks"), read("dev.pem")
	jceks := javasJCEKS(t, jks, "storepass", "keypass")
	resum := func(data []byte) []byte { return jksSum(data[:len(data)-20], "storepass") }
	chainBomb := func(magic uint32) []byte {
		body := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, magic), 2), 1)
		body = append(body, 0, 0, 0, 1, 0, 1, 'a', 0, 0, 1, 0x8b, 0, 0, 0, 0, 0, 0, 0, 2, 0x30, 0) // a key of two bytes
		return jksSum(append(body, 0xFF, 0xFF, 0xFF, 0xFF), "storepass")
	}
	withDER := func(change func(der []byte) []byte) []byte {
		block, _ := pem.Decode(text)
		require.NotNil(t, block)
		block.Bytes = change(block.Bytes)
		return pem.EncodeToMemory(block)
	}
	return map[string]map[string][]byte{
		"p12": {
			"wrong": p12, "damaged": p12[:len(p12)/2], "limit": pkcs12Bomb(t, 2_000_000_000),
			"2.16.840.1.101.3.4.2.99": replaceLast(t, p12, "\x60\x86\x48\x01\x65\x03\x04\x02\x01", "\x60\x86\x48\x01\x65\x03\x04\x02\x63"), // of the MAC
		},
		"jks": {
			"wrong": jks, "damaged": jks[:len(jks)/2], "limit": chainBomb(0xFEEDFEED),
			"1.3.6.1.4.1.42.2.17.1.9": resum(replaceLast(t, jks, sunProtector, otherProtector)),
		},
		"jceks": {
			"wrong": jceks, "damaged": jceks[:len(jceks)/2], "limit": chainBomb(0xCECECECE),
			"1.3.6.1.4.1.42.2.19.9": resum(replaceLast(t, jceks, "\x2a\x02\x13\x01", "\x2a\x02\x13\x09")),
		},
		"pem": {
			"wrong": text, "damaged": text[:len(text)/3],
			"limit":                   withDER(func(der []byte) []byte { return rounds2e9(t, der) }),
			"2.16.840.1.101.3.4.1.46": withDER(func(der []byte) []byte { return replaceLast(t, der, "\x03\x04\x01\x2a", "\x03\x04\x01\x2e") }), // AES-GCM
		},
	}
}

// rounds2e9 sets the iteration count of an EncryptedPrivateKeyInfo that was made with one round to 2,000,000,000.
func rounds2e9(t *testing.T, der []byte) []byte {
	t.Helper()
	type kdf struct {
		ID     asn1.ObjectIdentifier
		Params struct {
			Salt       []byte
			Iterations int
			Rest       asn1.RawValue `asn1:"optional"`
		}
	}
	var info struct {
		Alg struct {
			ID     asn1.ObjectIdentifier
			Params struct {
				KDF    kdf
				Cipher asn1.RawValue
			}
		}
		Data []byte
	}
	_, err := asn1.Unmarshal(der, &info)
	require.NoError(t, err)
	info.Alg.Params.KDF.Params.Iterations = 2_000_000_000
	out, err := asn1.Marshal(info)
	require.NoError(t, err)
	return out
}

// TestFourKindsOfFailure: a wrong password, damage, an algorithm that is not supported, by its OID, and an exceeded limit
// are four exit codes with four messages, in every format and for both commands.
func TestFourKindsOfFailure(t *testing.T) {
	want := map[string]struct {
		code    int
		kind    string
		message string
	}{
		"wrong":   {exitPassword, "password", "wrong password"},
		"damaged": {exitFailed, "format", "malformed file"},
		"limit":   {exitTooLarge, "limit", "exceeds a limit"},
		"":        {exitUnsupported, "unsupported", "not supported"}, // the OIDs
	}
	for format, files := range failing(t) {
		for kind, data := range files {
			t.Run(format+"/"+kind, func(t *testing.T) {
				t.Chdir(t.TempDir())
				require.NoError(t, os.WriteFile("bad."+format, data, 0o600))
				w, ok := want[kind]
				pass := "pass:storepass"
				if kind == "wrong" {
					pass = "pass:another"
				}
				if !ok {
					w = want[""]
					w.message = kind
				}
				for _, command := range [][]string{{"convert", "bad." + format, "out.pem", "--out-pass", "none"}, {"inspect", "bad." + format}} {
					command = append(command, "--in-pass", pass)
					out, errs, code := atTerminal(&person{}, command...)
					if command[0] == "inspect" && !ok && format != "p12" {
						// Only the key cannot be read; the rest is shown.
						assert.Contains(t, []int{exitDone, exitFound}, code, errs)
						assert.Regexp(t, `(?m)^locked: .*`+regexp.QuoteMeta(kind)+`.*not supported`, out)
						continue
					}
					assert.Equal(t, w.code, code, errs)
					assert.Contains(t, errs, w.message)
					assert.Contains(t, errs, `"bad.`+format+`"`)
					assert.Contains(t, errs, "hint: ")
					_, errs, code = atTerminal(&person{}, append(command, "--json")...)
					assert.Equal(t, w.code, code, errs)
					assert.Contains(t, errs, `"kind": "`+w.kind+`"`)
				}
				assert.NoFileExists(t, "out.pem")
			})
		}
	}
}

// TestDeeplyNestedFiles: ten thousand levels are refused, not followed.
func TestDeeplyNestedFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	const levels = 10_000
	for name, data := range map[string][]byte{
		"definite":   nest(levels),
		"indefinite": bytes.Repeat([]byte{0x30, 0x80}, levels),
		"p12":        append([]byte{0x30, 0x80, 2, 1, 3}, bytes.Repeat([]byte{0x30, 0x80}, levels)...),
		"p7b":        append([]byte("\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"), bytes.Repeat([]byte{0xa0, 0x80}, levels)...),
	} {
		require.NoError(t, os.WriteFile(name, data, 0o600))
		for _, command := range [][]string{{"inspect", name}, {"convert", name, "out.pem"}} {
			_, errs, code := atTerminal(&person{}, command...)
			assert.Contains(t, []int{exitTooLarge, exitFailed}, code, "%s: %s", name, errs)
		}
	}
}

// nest is a SEQUENCE in a SEQUENCE and so on.
func nest(levels int) []byte {
	var heads [][]byte
	size := 0
	for range levels {
		head := []byte{0x30, 0x84, byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)}
		heads = append(heads, head)
		size += len(head)
	}
	out := make([]byte, 0, size)
	for i := len(heads) - 1; i >= 0; i-- {
		out = append(out, heads[i]...)
	}
	return out
}

// evil has what a name from a file must not do: colour and title the terminal, go back and wipe, begin a line that reads as
// ours, send C1 controls, turn the order of letters round, hide.
const evil = "x\x1b[2J\x1b]0;title\x07\r\b\x7f\u009b31m\u0085\u202egnp\u2066\u200f\u2028\nFORGED\n\tFORGED"

// evilStore has that name wherever a store has names.
func evilStore(t *testing.T) *keystore.Store {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(1, 0, 0),
		Subject: pkix.Name{CommonName: evil, Organization: []string{evil}}, DNSNames: []string{"a.example"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	id := testIdentity(t, "x")
	id.Alias, id.Chain = evil, []keystore.Certificate{keystore.NewCertificate(der)} // which is for another key: a problem to be told
	return &keystore.Store{
		Identities: []keystore.Identity{id},
		Anchors:    []keystore.Anchor{{Alias: evil + "2", Certificate: id.Chain[0]}, {Alias: evil + "2", Certificate: testIdentity(t, "y").Chain[0]}},
	}
}

// unprintable matches what may not reach a terminal.
var unprintable = regexp.MustCompile("[\x00-\x08\x0b-\x1f\x7f\u0080-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]")

// TestNamesCannotSpeakToTheTerminal: whatever a file's entries, or files themselves, are called, what is printed of them
// is text within its line: in reports, plans, errors, prompts and JSON.
func TestNamesCannotSpeakToTheTerminal(t *testing.T) {
	t.Chdir(t.TempDir())
	s := evilStore(t)
	writeStore(t, ".", "evil.p12", "p12", &keystore.Store{Identities: s.Identities, Anchors: s.Anchors[:1]}, "storepass", "")
	writeStore(t, ".", "evil.jks", "jks", &keystore.Store{Identities: s.Identities, Anchors: s.Anchors[:1]}, "storepass", "keypass")
	fileName := "f\x1b[31m\nFORGED\u202e.p12"
	data, err := os.ReadFile("evil.p12")
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll("in", 0o700))
	require.NoError(t, os.WriteFile(filepath.Join("in", fileName), data, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join("in", "bad"+fileName), data[:100], 0o600))
	require.NoError(t, os.WriteFile(fileName, data, 0o600))
	for _, args := range [][]string{
		{"inspect", "evil.p12", "--in-pass", "pass:storepass", "-v"},
		{"inspect", "evil.jks", "evil.p12"},
		{"inspect", "evil.jks", "--in-pass", "pass:wrong"},
		{"inspect", fileName},
		{"inspect", fileName, "nothing" + fileName},
		{"convert", "evil.p12", "out.jks", "--in-pass", "pass:storepass", "--out-pass", "pass:storepass", "-f", "-v"},
		{"convert", "evil.p12", "out.pem", "--in-pass", "pass:storepass", "--out-pass", "none", "-f", "--dry-run"},
		{"convert", "evil.jks", "out.pem", "--in-pass", "pass:storepass", "--out-pass", "none"},
		{"convert", "evil.jks", "out.pem", "--in-pass", "pass:storepass", "--in-key-pass", "pass:wrong", "--out-pass", "none"},
		{"convert", "evil.p12", "out.pem", "--in-pass", "pass:storepass", "--out-pass", "none", "--only", evil + "3"},
		{"convert", "evil.p12", "out.pem", "--in-pass", "pass:storepass", "--out-pass", "none", "--split", "-f"},
		{"convert", fileName, fileName + ".pem", "--in-pass", "pass:storepass", "--out-pass", "none", "-f", "-v"},
		{"convert", "jks", "pem", "--in-dir", "in", "--out-dir", "out", "--in-pass", "pass:storepass", "--out-pass", "none", "-f", "-v"},
		{"convert", "p12", "pem", "--in-dir", "in", "--out-dir", "out", "--in-pass", "pass:storepass", "--out-pass", "none", "-f"},
		{"convert", "p12", "pem", "--in-dir", "in", "--out-dir", "out", "--out-pass", "none", "-f"},
	} {
		for _, format := range []string{"text", "json"} {
			if format == "json" {
				args = append(args[:len(args):len(args)], "--json")
			}
			out, errs, _ := atTerminal(&person{answers: []string{"storepass", "wrong"}}, args...)
			printed := out + errs
			assert.NotRegexp(t, unprintable, printed, "%q", args)
			assert.NotRegexp(t, `(?m)^\s*FORGED`, printed, "%q", args)
			if format == "json" && out != "" {
				var doc any
				assert.NoError(t, json.Unmarshal([]byte(out), &doc), "%q printed %q", args, out)
			}
		}
	}
}

// TestNamesCannotLeaveTheFolder: files that are named after entries stay where they belong.
func TestNamesCannotLeaveTheFolder(t *testing.T) {
	root := t.TempDir()
	inner := filepath.Join(root, "a", "b")
	require.NoError(t, os.MkdirAll(inner, 0o700))
	t.Chdir(inner)
	var s keystore.Store
	for _, alias := range []string{"../../evil", "/tmp/evil", "..", ".", "a/b", `..\..\evil`, "C:evil", "nul\x00evil", "CON", "~", "-rf", "*", evil} {
		id := testIdentity(t, "x")
		id.Alias = alias
		s.Identities = append(s.Identities, id)
	}
	writeStore(t, ".", "in.jks", "jks", &s, "storepass", "")
	out, errs, code := atTerminal(&person{}, "convert", "in.jks", "out.pem", "--split", "--in-pass", "pass:storepass", "--out-pass", "none")
	require.Equal(t, exitDone, code, "%s%s", out, errs)
	files := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files++
			assert.Equal(t, inner, filepath.Dir(path))
			assert.Regexp(t, `^(in\.jks|out[-A-Za-z0-9%._~]*\.(key|crt))$`, filepath.Base(path))
		}
		return err
	}))
	assert.GreaterOrEqual(t, files, 2*len(s.Identities))
}
