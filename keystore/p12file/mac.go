package p12file

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// macData is MacData, RFC 7292 section 4, read and checked.
type macData struct {
	alg        []byte // AlgorithmIdentifier
	oid        string
	digest     []byte
	salt       []byte
	iterations int
}

// checkMAC reads the MacData that may follow the safe and proves the safe by it, under the first password that fits.
func (d *decoder) checkMAC(in *cryptobyte.String, safe []byte) (keystore.Integrity, error) {
	if in.Empty() {
		d.report.add("warning", "no-mac", "", "the file has no MAC: nothing shows whether somebody changed it")
		return keystore.IntegrityAbsent, nil
	}
	m, err := readMAC(in, d.limits)
	if err != nil {
		return "", err
	}
	passwords := d.passwords("")
	if len(passwords) == 0 {
		passwords = []keystore.Secret{nil} // just to describe it
	}
	var p keystore.Protection
	for _, pw := range passwords {
		if p, err = d.checkMACWith(m, safe, pw); !errors.Is(err, keystore.ErrPassword) {
			break
		}
	}
	d.protect(p, "mac", "")
	switch {
	case err == nil:
		return keystore.IntegrityVerified, nil
	case !passwords[0].Given() && keystore.KindOf(err) != keystore.ErrTooLarge:
		return keystore.IntegrityUnchecked, nil
	}
	return "", err
}

// readMAC reads MacData. With PBMAC1 its salt and iterations have no meaning (RFC 9579 section 5).
func readMAC(in *cryptobyte.String, lim keystore.Limits) (macData, error) {
	malformed := fmt.Errorf("reading the MAC: %w", keystore.ErrFormat)
	var body, info, alg, digest, salt cryptobyte.String
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !in.Empty() ||
		!body.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1Element(&alg, cbasn1.SEQUENCE) ||
		!info.ReadASN1(&digest, cbasn1.OCTET_STRING) || !info.Empty() || !body.ReadASN1(&salt, cbasn1.OCTET_STRING) {
		return macData{}, malformed
	}
	m := macData{alg: alg, digest: digest, salt: salt, iterations: 1}
	var ok bool
	if m.oid, ok = pbe.AlgorithmOID(alg); !ok {
		return macData{}, malformed
	}
	if !body.Empty() {
		n, err := pbe.ReadIterations(&body, lim)
		if err != nil {
			return macData{}, fmt.Errorf("reading the MAC: %w", err)
		}
		m.iterations = n
	}
	if !body.Empty() {
		return macData{}, malformed
	}
	return m, pbe.CheckSalt(salt)
}

// checkMACWith checks the MAC under one password in each of its spellings. The one that fits is what the old
// encryptions are most likely to use as well.
func (d *decoder) checkMACWith(m macData, safe []byte, pw keystore.Secret) (keystore.Protection, error) {
	if m.oid == pbe.OIDPBMAC1 {
		return pbe.CheckPBMAC1(m.alg, safe, m.digest, pw, d.budget)
	}
	p := keystore.Protection{OID: m.oid, Iterations: m.iterations}
	h, ok := pbe.DigestByOID(m.oid)
	if !ok {
		return p, fmt.Errorf("reading the MAC: algorithm %s: %w", m.oid, keystore.ErrUnsupported)
	}
	p.Algorithm = "PKCS12 HMAC-" + h.Name
	if len(m.digest) != h.Size {
		return p, fmt.Errorf("reading the MAC: %d bytes, not %d: %w", len(m.digest), h.Size, keystore.ErrFormat)
	}
	if !pw.Given() {
		return p, fmt.Errorf("checking the MAC: no password given: %w", keystore.ErrPassword)
	}
	for _, spelling := range pbe.Spellings(pw) {
		if err := d.budget.Spend(pbe.CostPKCS12(m.iterations, h.Size, h.Size)); err != nil {
			return p, err
		}
		if hmac.Equal(classicMAC(h, spelling, m.salt, m.iterations, safe), m.digest) {
			d.opener(pw).Prefer(spelling)
			return p, nil
		}
	}
	return p, fmt.Errorf("checking the MAC: %w", keystore.ErrPassword)
}

// classicMAC is the MAC of RFC 7292 appendix B.4 over the safe.
func classicMAC(h pbe.Hash, spelling, salt []byte, iterations int, safe []byte) []byte {
	mac := hmac.New(h.New, pbe.DerivePKCS12(h.New, pbe.PurposeMAC, spelling, salt, iterations, h.Size))
	mac.Write(safe)
	return mac.Sum(nil)
}

// macSaltLen is the length in bytes of the salts we write: a block of AES, more than any table can cover.
const macSaltLen = 16

// addMAC appends MacData for safe.
func addMAC(b *cryptobyte.Builder, p profile, safe []byte, pw keystore.Secret, iterations int, random io.Reader) error {
	if p.pbmac1 {
		alg, mac, err := pbe.MakePBMAC1(safe, pw, iterations, random)
		if err != nil {
			return err
		}
		// The salt and the count have no meaning; the RFC's own examples say so with these values.
		addMacData(b, func(b *cryptobyte.Builder) { b.AddBytes(alg) }, mac, []byte("NOT USED"), 1)
		return nil
	}
	salt := make([]byte, macSaltLen)
	if _, err := io.ReadFull(random, salt); err != nil {
		return fmt.Errorf("reading random bytes: %w", err)
	}
	h, _ := pbe.DigestByOID(p.mac.String())
	mac := classicMAC(h, pbe.Spellings(pw)[0], salt, iterations, safe)
	addMacData(b, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(p.mac)
			b.AddASN1(cbasn1.NULL, func(*cryptobyte.Builder) {})
		})
	}, mac, salt, iterations)
	return nil
}

// addMacData writes MacData; the count is left out where it is the default, as DER has it.
func addMacData(b *cryptobyte.Builder, alg cryptobyte.BuilderContinuation, mac, salt []byte, iterations int) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			alg(b)
			b.AddASN1OctetString(mac)
		})
		b.AddASN1OctetString(salt)
		if iterations != 1 {
			b.AddASN1Int64(int64(iterations))
		}
	})
}
