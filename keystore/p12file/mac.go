package p12file

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
)

// checkMAC reads the MacData that may follow the safe and proves the safe by it, under the first password that fits.
func (d *decoder) checkMAC(in *cryptobyte.String, safe []byte) (keystore.Integrity, error) {
	if in.Empty() {
		d.report.add("warning", "no-mac", "", "the file has no MAC: nothing shows whether somebody changed it")
		return keystore.IntegrityAbsent, nil
	}
	m, err := readMAC(in)
	if err != nil {
		return "", err
	}
	passwords := d.passwords.OfStore()
	known := len(passwords) > 0
	if !known {
		passwords = []keystore.Secret{nil} // just to describe it
	}
	var p keystore.Protection
	for _, pw := range passwords {
		if p, err = d.opener(pw).CheckMAC(m, safe); !errors.Is(err, keystore.ErrPassword) {
			break
		}
	}
	d.protect(p, "mac", "")
	switch {
	case err == nil:
		d.proved = true
		return keystore.IntegrityVerified, nil
	case !known && (errors.Is(err, keystore.ErrPassword) || errors.Is(err, keystore.ErrUnsupported)):
		return keystore.IntegrityUnchecked, nil
	case errors.Is(err, keystore.ErrPassword):
		err = d.judgeMAC(safe, err)
	}
	return "", err
}

// readMAC reads MacData.
func readMAC(in *cryptobyte.String) (pbe.MACData, error) {
	malformed := fmt.Errorf("reading the MAC: %w", keystore.ErrFormat)
	var body, info, alg, digest, salt cryptobyte.String
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !in.Empty() ||
		!body.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1Element(&alg, cbasn1.SEQUENCE) ||
		!info.ReadASN1(&digest, cbasn1.OCTET_STRING) || !info.Empty() || !body.ReadASN1(&salt, cbasn1.OCTET_STRING) {
		return pbe.MACData{}, malformed
	}
	m := pbe.MACData{Algorithm: alg, Digest: digest, Salt: salt, Iterations: 1}
	if !body.Empty() && (!pbe.ReadCount(&body, &m.Iterations) || !body.Empty()) {
		return pbe.MACData{}, malformed
	}
	return m, nil
}

// mac returns the MacData of a safe.
func (w *writer) mac(safe []byte) ([]byte, error) {
	var m pbe.MACData
	var err error
	if w.plan.pbmac1 {
		// The salt and the count have no meaning here; the RFC's own examples say so with these values.
		m.Salt, m.Iterations = []byte("NOT USED"), 1
		m.Algorithm, m.Digest, err = w.sealer.PBMAC1(safe)
	} else {
		m, err = w.sealer.MAC(safe)
	}
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	addMacData(&b, m)
	return b.Bytes()
}

// addMacData writes MacData; the count is left out where it is the default, as DER has it.
func addMacData(b *cryptobyte.Builder, m pbe.MACData) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(m.Algorithm)
			b.AddASN1OctetString(m.Digest)
		})
		b.AddASN1OctetString(m.Salt)
		if m.Iterations != 1 {
			b.AddASN1Int64(m.Iterations)
		}
	})
}
