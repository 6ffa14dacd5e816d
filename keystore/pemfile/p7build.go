package pemfile

import (
	"bytes"
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// buildPKCS7 returns a SignedData (RFC 5652 section 5.1) of certificates and CRLs in the order given, with neither content
// nor signature. Lengths are definite; it is DER where the lists are sorted.
func buildPKCS7(certificates, crls [][]byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, sizeOf(certificates)+sizeOf(crls)+128))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(tagCertificates, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1(cbasn1.SET, func(*cryptobyte.Builder) {})
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) })
				addMembers(b, tagCertificates, certificates)
				addMembers(b, tagCRLs, crls)
				b.AddASN1(cbasn1.SET, func(*cryptobyte.Builder) {})
			})
		})
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("writing PKCS#7: %w", err)
	}
	return der, nil
}

// addMembers writes one of the lists; without CRLs theirs is left out, as all writers do, but that of the certificates is
// there even where it is empty.
func addMembers(b *cryptobyte.Builder, tag cbasn1.Tag, members [][]byte) {
	if len(members) == 0 && tag == tagCRLs {
		return
	}
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		for _, m := range members {
			b.AddBytes(m)
		}
	})
}

// sizeOf is how many bytes the members take.
func sizeOf(members [][]byte) int {
	total := 0
	for _, m := range members {
		total += len(m)
	}
	return total
}

// streamPKCS7 is buildPKCS7 with indefinite lengths (X.690 section 8.1.3.6): each element that has them ends in two zero
// octets. Those are the elements whose length depends on the members; GnuTLS 3.7.9 refuses them in an empty set.
func streamPKCS7(certificates, crls [][]byte) []byte {
	const (
		explicit = "\xA0\x80"
		sequence = "\x30\x80"
		version  = "\x02\x01\x01"
		emptySet = "\x31\x00"
		end      = "\x00\x00"
	)
	out := make([]byte, 0, sizeOf(certificates)+sizeOf(crls)+64)
	out = append(append(out, sequence...), signedDataHead...)
	out = append(out, explicit+sequence+version+emptySet...)
	out = append(append(out, tagSequence, byte(len(dataHead))), dataHead...)
	out = append(appendAll(append(out, "\xA0\x80"...), certificates), end...)
	if len(crls) > 0 {
		out = append(appendAll(append(out, "\xA1\x80"...), crls), end...)
	}
	return append(out, emptySet+end+end+end...)
}

// appendAll appends the members.
func appendAll(out []byte, members [][]byte) []byte {
	for _, m := range members {
		out = append(out, m...)
	}
	return out
}

// signedData is the structure as encoding/asn1 reads it.
type signedData struct {
	Version      int
	Digests      asn1.RawValue `asn1:"set"`
	Content      asn1.RawValue
	Certificates []asn1.RawValue `asn1:"set,optional,tag:0"`
	CRLs         []asn1.RawValue `asn1:"set,optional,tag:1"`
	Signers      asn1.RawValue   `asn1:"set"`
}

// secondBundle reads a bundle that was just built with encoding/asn1, and fails unless it finds the same members.
func secondBundle(der []byte, certificates, crls [][]byte) error {
	var info struct {
		Type    asn1.ObjectIdentifier
		Content signedData `asn1:"explicit,tag:0"`
	}
	rest, err := asn1.Unmarshal(der, &info)
	if err != nil || len(rest) > 0 || !info.Type.Equal(oidSignedData) ||
		!sameMembers(info.Content.Certificates, certificates) || !sameMembers(info.Content.CRLs, crls) {
		return fmt.Errorf("%w: encoding/asn1 finds another PKCS#7 bundle", keystore.ErrReadBack)
	}
	return nil
}

// sameMembers compares a list that was read with the one that was written.
func sameMembers(got []asn1.RawValue, want [][]byte) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range want {
		if !bytes.Equal(got[i].FullBytes, want[i]) {
			return false
		}
	}
	return true
}
