package pbe

import (
	"crypto/hmac"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// MACData is the MAC of a PKCS12 file as its MacData has it (RFC 7292 section 4).
type MACData struct {
	Algorithm  []byte // AlgorithmIdentifier of the digest, DER
	Digest     []byte
	Salt       []byte
	Iterations int64 // 1 where the file has none
}

// CheckMAC reports whether m is right for data: nil, or keystore.ErrPassword when it is not. PBMAC1 is recognised by its
// OID. It fails like [Decrypt] otherwise, and fills in the protection likewise; a nil password is ErrPassword.
//
// The spelling of the password that fits is tried first for decrypting from then on: a file's parts agree on it.
func (o *Opener) CheckMAC(m MACData, data []byte) (keystore.Protection, error) {
	in := cryptobyte.String(m.Algorithm)
	oid, params, ok := readAlgorithm(&in)
	p := keystore.Protection{Part: "mac", OID: oid}
	if !ok || !in.Empty() {
		return p, fmt.Errorf("reading the MAC: %w", keystore.ErrFormat)
	}
	if oid == oidPBMAC1 {
		return o.checkPBMAC1(m.Algorithm, data, m.Digest)
	}
	hash, ok := digests[oid]
	if !ok {
		return p, unsupported("MAC", oid)
	}
	p.Algorithm = "PKCS12 HMAC-" + hash.Name
	if len(m.Digest) != hash.Size || !nullOrNothing(params) {
		return p, fmt.Errorf("reading the MAC: %d bytes, not %d: %w", len(m.Digest), hash.Size, keystore.ErrFormat)
	}
	if err := checkSalt(m.Salt); err != nil {
		return p, err
	}
	if err := checkIterations(m.Iterations, o.budget.limits); err != nil {
		return p, err
	}
	p.Iterations = int(m.Iterations)
	p.Weak = weakCount(p.Iterations)
	if !o.password.Given() {
		return p, fmt.Errorf("checking the MAC: no password given: %w", keystore.ErrPassword)
	}
	for i, spelling := range o.wide {
		key, err := o.secret(macID(oid, m.Salt, p.Iterations)+string(spelling), costPKCS12(p.Iterations, hash.Size, hash.Size), func() ([]byte, error) {
			return derivePKCS12(hash.New, purposeMAC, spelling, m.Salt, p.Iterations, hash.Size), nil
		})
		if err != nil {
			return p, fmt.Errorf("checking the MAC: %w", err)
		}
		if hmac.Equal(authenticate(hash, key, data), m.Digest) {
			o.wide[0], o.wide[i] = o.wide[i], o.wide[0]
			o.proved = true
			return p, nil
		}
	}
	return p, fmt.Errorf("checking the MAC: %w, or the file was changed", keystore.ErrPassword)
}

// MAC returns the MAC of data in the form that goes with the scheme of s: HMAC-SHA256, or HMAC-SHA1 for TripleDES, with
// the key derivation of PKCS12.
func (s *Sealer) MAC(data []byte) (MACData, error) {
	oid := oidSHA256
	if s.params.Scheme == TripleDES {
		oid = oidSHA1
	}
	salt, err := s.read(saltLen)
	if err != nil {
		return MACData{}, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(parseOID(oid))
		addNull(b)
	})
	alg, err := b.Bytes()
	if err != nil {
		return MACData{}, err
	}
	hash, n, spelling := digests[oid], s.params.Iterations, spellings(s.password)[0]
	key := derivePKCS12(hash.New, purposeMAC, spelling, salt, n, hash.Size)
	s.derived[macID(oid, salt, n)+string(spelling)] = key
	return MACData{alg, authenticate(hash, key, data), salt, int64(n)}, nil
}

// macID tells the MAC keys of different parameters apart, and from the keys of ciphers.
func macID(oid string, salt []byte, iterations int) string {
	return fmt.Sprintf("mac %s %d %x ", oid, iterations, salt)
}

// authenticate is HMAC.
func authenticate(hash hashFunc, key, data []byte) []byte {
	h := hmac.New(hash.New, key)
	h.Write(data)
	return h.Sum(nil)
}
