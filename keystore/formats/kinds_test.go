package formats

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
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

// kindCase is one format under the test's password: a file, the same with an algorithm that nobody knows, and a limit
// that the file exceeds.
type kindCase struct {
	format  string
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
	return []kindCase{
		{"PKCS12", encoded["p12"], bytes.ReplaceAll(encoded["p12"], sha256OID, unknownHash), "2.16.840.1.101.3.4.2.99", keystore.Limits{Iterations: 1}},
		{"JKS", jks, otherJKS, "1.3.6.1.4.1.42.2.17.1.99", entries},
		{"JCEKS", jceksFile(jks), jceksFile(otherJKS), "1.3.6.1.4.1.42.2.17.1.99", entries},
		{"PEM", encoded["pem"], otherPEM, "2.16.840.1.101.3.4.1.99", keystore.Limits{Iterations: 1}},
	}
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
			right := keystore.DecodeOptions{Password: password}
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
				assert.NotContains(t, err.Error(), string(password))
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
			fails(tc.data, keystore.DecodeOptions{Password: password, Limits: tc.limits}, keystore.ErrTooLarge, "exceeds a limit")
			assert.Len(t, messages, 4)
		})
	}
}

// No correct password is ever reported as wrong: a file that was cut off anywhere is malformed, and one with a bit
// turned anywhere too, wherever anything in it still shows that the password is right. Where nothing does, as in a
// trust store whose checksum alone knows the password, the message says that it may be damage.
func TestDamageIsNotAWrongPassword(t *testing.T) {
	for _, name := range []string{"mixed", "one key", "trusted only"} {
		for _, tc := range kindCases(t, storeNamed(t, name)) {
			t.Run(name+"/"+tc.format, func(t *testing.T) {
				opts := keystore.DecodeOptions{Password: password, Limits: smallLimits}
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
					}
				}
				t.Logf("in doubt: %d of %d", doubts, len(tc.data)/step)
			})
		}
	}
}
