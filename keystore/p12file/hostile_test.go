package p12file

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// seal encrypts a key under a password, quickly.
func seal(t testing.TB, pkcs8 []byte, pw string) []byte {
	t.Helper()
	info, err := pbe.Encrypt(pkcs8, keystore.Secret(pw), pbe.Params{Iterations: 2}, seeded())
	require.NoError(t, err)
	return info
}

// requireKind checks that decoding fails as the contract says: no store, and one of the kinds.
func requireKind(t testing.TB, s *keystore.Store, err error) {
	t.Helper()
	if err != nil && (s != nil || keystore.KindOf(err) == nil) {
		t.Fatalf("got %v with error %v; want nothing and one of the kinds", s, err)
	}
}

// TestTruncation cuts a file at every byte. Where all that is missing is the MAC's end it is malformed too.
func TestTruncation(t *testing.T) {
	s := bigStore(t, false)
	s.Identities, s.Loose = s.Identities[1:2], nil
	data, _ := write(t, s, fast(""))
	for i := range data {
		got, err := Codec{}.Decode(data[:i], reading("changeit"))
		require.ErrorIs(t, err, keystore.ErrFormat, "cut at %d", i)
		require.Nil(t, got)
	}
}

// TestRandomBytes changes bytes of real files, and reads pure noise.
func TestRandomBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	s := bigStore(t, false)
	s.Identities, s.Loose = s.Identities[1:2], nil
	for _, profile := range []string{ProfileModern, ProfileLegacy, ProfilePBMAC1} {
		data, _ := write(t, s, fast(profile))
		for range 500 {
			damaged := bytes.Clone(data)
			for range 1 + rng.IntN(3) {
				damaged[rng.IntN(len(damaged))] = byte(rng.Uint32())
			}
			got, err := Codec{}.Decode(damaged, keystore.DecodeOptions{Password: testPassword, Limits: small})
			requireKind(t, got, err)
		}
	}
	for range 500 {
		noise := make([]byte, rng.IntN(100))
		for i := range noise {
			noise[i] = byte(rng.Uint32())
		}
		_, err := Codec{}.Decode(noise, reading("x"))
		require.ErrorIs(t, err, keystore.ErrFormat)
	}
}

// small keeps what random files can ask for low.
var small = keystore.Limits{Bytes: 1 << 20, Entries: 1000, Iterations: 1000, ScryptMem: 1 << 20}

// withMAC returns a PFX with an empty safe and a MAC of that many iterations.
func withMAC(iterations int64) []byte {
	return withMACAlgorithm(der(func(b *cryptobyte.Builder) { addAlgorithm(b, "2.16.840.1.101.3.4.2.1", nil) }), iterations)
}

// withMACAlgorithm is withMAC with another algorithm.
func withMACAlgorithm(alg []byte, iterations int64) []byte {
	return der(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(3)
			addData(b, []byte{0x30, 0})
			addMacData(b, pbe.MACData{Algorithm: alg, Digest: make([]byte, 32), Salt: make([]byte, 8), Iterations: iterations})
		})
	})
}

// addAlgorithm writes an AlgorithmIdentifier whose parameters are a SEQUENCE of what is added, or missing.
func addAlgorithm(b *cryptobyte.Builder, oid string, params cryptobyte.BuilderContinuation) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(parseID(oid))
		if params != nil {
			b.AddASN1(cbasn1.SEQUENCE, params)
		}
	})
}

// TestIterationBomb refuses small files that ask for hours of work, wherever they do.
func TestIterationBomb(t *testing.T) {
	const hours = 2_000_000_000
	sealed := func(alg cryptobyte.BuilderContinuation) []byte {
		return unprotectedSafes(func(b *cryptobyte.Builder) { addEncrypted(b, der(alg), make([]byte, 32)) })
	}
	key := func(alg cryptobyte.BuilderContinuation) []byte {
		return unprotected(func(b *cryptobyte.Builder) {
			addBag(b, idShroudedBag, attributes{}, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					alg(b)
					b.AddASN1OctetString(make([]byte, 32))
				})
			})
		})
	}
	pbmac1 := func(b *cryptobyte.Builder) {
		addAlgorithm(b, "1.2.840.113549.1.5.14", func(b *cryptobyte.Builder) {
			addAlgorithm(b, "1.2.840.113549.1.5.12", func(b *cryptobyte.Builder) {
				b.AddASN1OctetString(make([]byte, 8))
				b.AddASN1Int64(hours)
				b.AddASN1Int64(32)
			})
			addAlgorithm(b, "1.2.840.113549.2.9", nil)
		})
	}
	pbes1 := func(b *cryptobyte.Builder) {
		addAlgorithm(b, "1.2.840.113549.1.12.1.3", func(b *cryptobyte.Builder) {
			b.AddASN1OctetString(make([]byte, 8))
			b.AddASN1Int64(hours)
		})
	}
	pbes2 := func(kdf string, numbers ...int64) cryptobyte.BuilderContinuation {
		return func(b *cryptobyte.Builder) {
			addAlgorithm(b, "1.2.840.113549.1.5.13", func(b *cryptobyte.Builder) {
				addAlgorithm(b, kdf, func(b *cryptobyte.Builder) {
					b.AddASN1OctetString(make([]byte, 8))
					for _, n := range numbers {
						b.AddASN1Int64(n)
					}
				})
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(parseID("2.16.840.1.101.3.4.1.42"))
					b.AddASN1OctetString(make([]byte, 16))
				})
			})
		}
	}
	const pbkdf2, scrypt = "1.2.840.113549.1.5.12", "1.3.6.1.4.1.11591.4.11"
	for name, data := range map[string][]byte{
		"the MAC":                  withMAC(hours),
		"PBMAC1":                   withMACAlgorithm(der(pbmac1), 1),
		"PBES1, a safe":            sealed(pbes1),
		"PBES1, a key":             key(pbes1),
		"PBES2, a safe":            sealed(pbes2(pbkdf2, hours)),
		"PBES2, a key":             key(pbes2(pbkdf2, hours)),
		"scrypt, N, a safe":        sealed(pbes2(scrypt, 1<<40, 8, 1)),
		"scrypt, r, a key":         key(pbes2(scrypt, 2, 1<<40, 1)),
		"scrypt, p, a key":         key(pbes2(scrypt, 16384, 8, 1<<40)),
		"scrypt, all three, a key": key(pbes2(scrypt, 1<<19, 1, 8)),
	} {
		assert.Less(t, len(data), 250, name)
		_, err := Codec{}.Decode(data, reading("x"))
		require.ErrorIs(t, err, keystore.ErrTooLarge, name)
	}
	_, err := Codec{}.Decode(withMACAlgorithm(der(pbmac1), hours), reading("x"))
	require.ErrorIs(t, err, keystore.ErrTooLarge)
	_, err = Codec{}.Decode(withMAC(10), reading("x"))
	require.ErrorIs(t, err, keystore.ErrPassword)
	_, err = Codec{}.Decode(withMAC(-1), reading("x"))
	require.ErrorIs(t, err, keystore.ErrFormat)
}

// TestDamageIsNotAWrongPassword turns a bit of each byte of a file in turn, and reads it with the right password. Where all
// else is as it should be, as when the bit is in the MAC or in a name, the MAC may have another password; both are said.
func TestDamageIsNotAWrongPassword(t *testing.T) {
	s := bigStore(t, false)
	s.Identities, s.Loose = s.Identities[1:2], nil
	data, fitted := write(t, s, fast(""))
	called := map[error]int{}
	for i := range data {
		damaged := bytes.Clone(data)
		damaged[i] ^= 1 << (i % 8)
		got, err := Codec{}.Decode(damaged, keystore.DecodeOptions{Password: testPassword, Limits: small})
		requireKind(t, got, err)
		if err == nil { // a bit without meaning
			requireSame(t, fitted, got)
		}
		if errors.Is(err, keystore.ErrPassword) {
			require.ErrorIs(t, err, keystore.ErrKeyPassword, "bit %d of byte %d", i%8, i)
			require.ErrorContains(t, err, "or the file was changed")
		}
		called[keystore.KindOf(err)]++
	}
	assert.Less(t, called[keystore.ErrPassword], len(data)/4, "%v", called)
	assert.Greater(t, called[keystore.ErrFormat], len(data)*7/10, "%v", called)
}

// TestForeseenWork refuses a file of many keys, each within the limits, at once, and reads an honest one.
func TestForeseenWork(t *testing.T) {
	store := func(keys, iterations int) []byte {
		return unprotected(func(b *cryptobyte.Builder) {
			for i := range keys {
				salt := []byte{byte(i >> 16), byte(i >> 8), byte(i)}
				addBag(b, idShroudedBag, attributes{}, func(b *cryptobyte.Builder) { addShrouded(b, salt, iterations) })
			}
		})
	}
	bomb := store(20_000, 5_000_000)
	_, err := Codec{}.Decode(bomb, reading("x"))
	require.ErrorIs(t, err, keystore.ErrTooLarge)
	got, err := Codec{}.Decode(bomb, keystore.DecodeOptions{})
	require.NoError(t, err, "without a password there is no work")
	require.Len(t, got.Identities, 20_000)

	honest := store(1000, 10_000)
	d := newDecoder(len(honest), reading("x"))
	content, _ := outerLayer(honest)
	_, wrapped, _ := readContentInfo(&content)
	var safe cryptobyte.String
	require.True(t, wrapped.ReadASN1(&safe, cbasn1.OCTET_STRING))
	require.NoError(t, d.readAuthenticatedSafe(safe))
	require.Len(t, d.pending, 1000)
	require.NoError(t, d.budget.Foresee(algorithms(d.pending)))
}

// addShrouded writes an EncryptedPrivateKeyInfo of two blocks of nothing, under PBES2 with AES-256.
func addShrouded(b *cryptobyte.Builder, salt []byte, iterations int) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addAlgorithm(b, "1.2.840.113549.1.5.13", func(b *cryptobyte.Builder) {
			addAlgorithm(b, "1.2.840.113549.1.5.12", func(b *cryptobyte.Builder) {
				b.AddASN1OctetString(salt)
				b.AddASN1Int64(int64(iterations))
			})
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(parseID("2.16.840.1.101.3.4.1.42"))
				b.AddASN1OctetString(make([]byte, 16))
			})
		})
		b.AddASN1OctetString(make([]byte, 32))
	})
}

// TestManyBombs bounds the work of many keys that each stay within the limits.
func TestManyBombs(t *testing.T) {
	info := seal(t, privateKey(t, newKey(t)).PKCS8, "other")
	data := unprotected(func(b *cryptobyte.Builder) {
		for i := range 100 {
			own := bytes.Clone(info)
			at := bytes.Index(own, []byte{2, 1, 2, 0x30}) // the iterations, in one byte
			salt := at - 1
			own[salt] = byte(i)
			own[at+2] = 100
			addBag(b, idShroudedBag, attributes{}, func(b *cryptobyte.Builder) { b.AddBytes(own) })
		}
	})
	d := newDecoder(0, keystore.DecodeOptions{Password: testPassword, Limits: keystore.Limits{Iterations: 100}})
	_, err := d.decode(data)
	require.ErrorIs(t, err, keystore.ErrTooLarge)
}

// TestDeepNesting refuses nesting that would overflow the stack of a careless reader, in each layer and form.
func TestDeepNesting(t *testing.T) {
	const levels = 10_000
	indefiniteLevels := bytes.Repeat([]byte{0x30, 0x80}, levels)
	definite := []byte{0x30, 0}
	for range levels {
		definite = der(func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(definite) })
		})
	}
	octets := bytes.Repeat([]byte{0x24, 0x80}, levels)
	for _, deep := range [][]byte{indefiniteLevels, definite, octets} {
		_, err := Codec{}.Decode(deep, reading("x"))
		require.ErrorIs(t, err, keystore.ErrTooLarge)
		inner := der(func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(3)
				addData(b, deep)
			})
		})
		_, err = Codec{}.Decode(inner, reading("x"))
		require.ErrorIs(t, err, keystore.ErrTooLarge)
	}
}

// TestLimits refuses what exceeds each bound.
func TestLimits(t *testing.T) {
	data, _ := write(t, bigStore(t, false), fast(""))
	for name, lim := range map[string]keystore.Limits{
		"bytes":      {Bytes: 100},
		"entries":    {Entries: 3},
		"depth":      {Depth: 3},
		"iterations": {Iterations: 4},
		"names":      {NameBytes: 3},
	} {
		s, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: testPassword, Limits: lim})
		require.ErrorIs(t, err, keystore.ErrTooLarge, name)
		assert.Nil(t, s)
	}
}

// TestSameKeyMany keeps pairing linear when thousands of keys and certificates all fit each other.
func TestSameKeyMany(t *testing.T) {
	const n = 20_000
	h := issue(t, "x", newKey(t), nil, false)
	key := privateKey(t, h.key)
	keys, certs := make([]keyEntry, n), make([]certEntry, n)
	for i := range n {
		keys[i] = keyEntry{attributes: attributes{name: "k", id: "i"}, key: key}
		certs[i] = certEntry{attributes: attributes{name: "other", id: "j"}, cert: h.cert}
	}
	r := &report{}
	got := assemble(keys, certs, keystore.DefaultLimits, r)
	assert.Len(t, got.Identities, n)
	assert.Less(t, len(r.problems), 100, "problems are summed up")
}
