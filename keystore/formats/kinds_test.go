package formats

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// sealed ends a JKS or JCEKS file, whose checksum is cut off, with the one for the test's password.
func sealed(body []byte) []byte {
	h := sha1.New()
	for _, unit := range utf16.Encode([]rune(string(password))) {
		h.Write([]byte{byte(unit >> 8), byte(unit)})
	}
	h.Write([]byte("Mighty Aphrodite"))
	h.Write(body)
	return h.Sum(bytes.Clone(body))
}

// jceksFile is a JKS file made one of JCEKS, which has the same entries.
func jceksFile(jks []byte) []byte {
	body := bytes.Clone(jks[:len(jks)-sha1.Size])
	binary.BigEndian.PutUint32(body, 0xCECECECE)
	return sealed(body)
}

// javasJCEKS is a JCEKS of a store's keys as Java makes it: under a password of ASCII, with its own encryption.
func javasJCEKS(t *testing.T, store *keystore.Store) []byte {
	t.Helper()
	var keys []mint.JCEKSKey
	for i := range store.Identities {
		id := &store.Identities[i]
		k := mint.JCEKSKey{Alias: fmt.Sprint("key ", i), PKCS8: id.Key.PKCS8}
		for _, c := range id.Chain {
			k.Chain = append(k.Chain, c.Raw)
		}
		keys = append(keys, k)
	}
	return mint.JCEKS(t, keys, string(ascii), string(ascii), 2)
}

// ascii is the password of such a file.
var ascii = keystore.Secret("storepass")

// resealed replaces the checksum of a JCEKS file that was changed.
func resealed(data []byte) []byte {
	h := sha1.New()
	for _, c := range ascii {
		h.Write([]byte{0, c})
	}
	h.Write([]byte("Mighty Aphrodite"))
	h.Write(data[:len(data)-sha1.Size])
	return h.Sum(bytes.Clone(data[:len(data)-sha1.Size]))
}

// kindCase is one format under a password: a file, the same with an algorithm that nobody knows, and a limit that the file
// exceeds.
type kindCase struct {
	format  string
	pw      keystore.Secret
	data    []byte
	unknown []byte
	oid     string // of that algorithm
	limits  keystore.Limits
}

// Object identifiers as they are encoded, and others of the same length that nobody knows.
var (
	sha256OID, unknownHash     = []byte{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01}, []byte{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x63}
	aesOID, unknownCipher      = []byte{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2A}, []byte{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x63}
	sunOID, unknownKeyProtetor = []byte{0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x11, 0x01, 0x01}, []byte{0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x11, 0x01, 0x63}
	jceOID, unknownJCE         = []byte{0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x13, 0x01}, []byte{0x2B, 0x06, 0x01, 0x04, 0x01, 0x2A, 0x02, 0x13, 0x63}
)

// kindCases makes them of a store.
func kindCases(t *testing.T, store *keystore.Store) []kindCase {
	t.Helper()
	encoded := map[string][]byte{}
	for _, codec := range All() {
		if fitted, _, err := codec.Fit(store, encodeOptions()); err == nil && len(fitted.Identities) == len(store.Identities) {
			encoded[codec.Name()], _ = write(t, codec, store, encodeOptions())
		}
	}
	jks := encoded["jks"]
	otherJKS := sealed(bytes.ReplaceAll(jks[:len(jks)-sha1.Size], sunOID, unknownKeyProtetor))
	var otherPEM []byte
	for rest := encoded["pem"]; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		block.Bytes = bytes.ReplaceAll(block.Bytes, aesOID, unknownCipher)
		otherPEM = append(otherPEM, pem.EncodeToMemory(block)...)
	}
	entries := keystore.Limits{Entries: 1}
	cases := []kindCase{
		{"PKCS12", password, encoded["p12"], bytes.ReplaceAll(encoded["p12"], sha256OID, unknownHash), "2.16.840.1.101.3.4.2.99", keystore.Limits{Iterations: 1}},
		{"JKS", password, jks, otherJKS, "1.3.6.1.4.1.42.2.17.1.99", entries},
		{"JCEKS", password, jceksFile(jks), jceksFile(otherJKS), "1.3.6.1.4.1.42.2.17.1.99", entries},
		{"PEM", password, encoded["pem"], otherPEM, "2.16.840.1.101.3.4.1.99", keystore.Limits{Iterations: 1}},
	}
	if len(store.Identities) > 0 {
		java := javasJCEKS(t, store)
		other := resealed(bytes.ReplaceAll(java, jceOID, unknownJCE))
		cases = append(cases, kindCase{"JCEKS", ascii, java, other, "1.3.6.1.4.1.42.2.19.99", keystore.Limits{Iterations: 1}})
	}
	return cases
}

// storeNamed returns one of the conformance stores.
func storeNamed(t *testing.T, name string) *keystore.Store {
	t.Helper()
	for _, s := range conformanceStores(t) {
		if s.name == name {
			return s.store
		}
	}
	t.Fatalf("no store %q", name)
	return nil
}

// A wrong password, damage, an unsupported algorithm and an exceeded limit are four kinds of error with four messages,
// in each format.
func TestFourKindsOfError(t *testing.T) {
	for _, tc := range kindCases(t, storeNamed(t, "mixed")) {
		t.Run(tc.format, func(t *testing.T) {
			_, format, err := Detect(tc.data)
			require.NoError(t, err)
			require.Equal(t, tc.format, format)
			right := keystore.DecodeOptions{Password: tc.pw}
			store, _, err := Decode(tc.data, right)
			require.NoError(t, err)
			require.Len(t, store.Identities, 3)

			messages := map[string]bool{}
			fails := func(data []byte, opts keystore.DecodeOptions, kind error, says string) {
				t.Helper()
				store, codec, err := Decode(data, opts)
				require.ErrorIs(t, err, kind)
				assert.Nil(t, store)
				assert.Nil(t, codec)
				assert.Equal(t, kind, keystore.KindOf(err), "one kind only: %v", err)
				assert.Contains(t, err.Error(), says)
				assert.NotContains(t, err.Error(), string(tc.pw))
				messages[err.Error()] = true
			}
			fails(tc.data, keystore.DecodeOptions{Password: keystore.Secret("wrong")}, keystore.ErrPassword, "wrong password")
			fails(tc.data[:len(tc.data)*2/3], right, keystore.ErrFormat, "malformed file")
			if store, _, err := Decode(tc.unknown, right); err == nil { // what else is in the file can be used
				require.NotEmpty(t, store.Identities)
				locked := store.Identities[0].Locked
				require.Equal(t, keystore.ErrUnsupported, keystore.KindOf(locked), "%v", locked)
				assert.ErrorContains(t, locked, tc.oid)
				messages[locked.Error()] = true
			} else {
				fails(tc.unknown, right, keystore.ErrUnsupported, tc.oid)
			}
			fails(tc.data, keystore.DecodeOptions{Password: tc.pw, Limits: tc.limits}, keystore.ErrTooLarge, "exceeds a limit")
			assert.Len(t, messages, 4)
		})
	}
}

// No correct password is ever reported as wrong: a file that was cut off anywhere is malformed, and one with a bit
// turned anywhere too, wherever anything in it still shows that the password is right. Where nothing does, as in a
// trust store whose checksum alone knows the password, the message says that it may be damage.
func TestDamageIsNotAWrongPassword(t *testing.T) {
	for _, name := range []string{"mixed", "one key", "trusted only"} {
		store := storeNamed(t, name)
		for _, tc := range kindCases(t, store) {
			t.Run(name+"/"+tc.format, func(t *testing.T) {
				opts := keystore.DecodeOptions{Password: tc.pw, Limits: smallLimits}
				step := max(1, len(tc.data)/300)
				doubts := 0
				for n := 0; n < len(tc.data); n += step {
					_, _, err := Decode(tc.data[:n], opts)
					assert.False(t, errors.Is(err, keystore.ErrPassword), "cut off after %d of %d bytes: %v", n, len(tc.data), err)
					turned := bytes.Clone(tc.data)
					turned[n] ^= 1 << (n % 8)
					if _, _, err := Decode(turned, opts); errors.Is(err, keystore.ErrPassword) {
						assert.ErrorContains(t, err, "changed", "bit %d of byte %d of %d", n%8, n, len(turned))
						doubts++
						if name == "trusted only" {
							assert.False(t, inSignature(store, tc.data, n), "byte %d of %d is in a root's signature of itself", n, len(turned))
						}
					}
				}
				assert.LessOrEqual(t, doubts, inDoubt[tc.format]*(1+len(tc.data)/step)/100)
			})
		}
	}
}

// inDoubt is of how many bytes in a hundred a change may look like a wrong password: those of names, dates and salts, of
// certificates but for their signatures, and of the checksum itself.
var inDoubt = map[string]int{"PKCS12": 55, "JKS": 45, "JCEKS": 65, "PEM": 3}

// inSignature reports whether a byte of a file is one of the last of a trusted certificate that lies open in it.
func inSignature(s *keystore.Store, data []byte, n int) bool {
	const signature = 64 // bytes of ECDSA's two numbers, at the least
	for _, a := range s.Anchors {
		if at := bytes.Index(data, a.Certificate.Raw); at >= 0 {
			if end := at + len(a.Certificate.Raw); n >= end-signature && n < end {
				return true
			}
		}
	}
	return false
}
