package pemfile

import (
	"bytes"
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/ber"
)

// The content types of RFC 5652 (CMS) that certificate bundles use: of the whole, and of the content that is not there.
var (
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
)

// The two in DER.
var (
	signedDataHead = []byte{0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02}
	dataHead       = []byte{0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01}
)

// The context tags of SignedData: certificates and CRLs.
const (
	tagCertificates = cbasn1.Tag(0 | 0x20 | 0x80)
	tagCRLs         = cbasn1.Tag(1 | 0x20 | 0x80)
)

// pkcs7Begins reports whether data begins as a SignedData, in DER or BER.
func pkcs7Begins(data []byte) bool {
	content, ok := enter(data)
	return ok && bytes.HasPrefix(content, signedDataHead)
}

// bundle is what a PKCS#7 file without content is used for.
type bundle struct {
	certificates []keystore.Certificate
	crls         [][]byte
	others       int // members that are neither
	trailing     int // bytes behind the object
	room         int // how many more members there may be
}

// parsePKCS7 reads the certificates and CRLs of a SignedData, DER or BER. Signatures are not looked at: such a bundle is
// only a way to send certificates, which prove themselves.
func parsePKCS7(data []byte, limits keystore.Limits) (*bundle, error) {
	der, rest, err := ber.Normalize(data, limits.Depth)
	if err != nil {
		return nil, fmt.Errorf("reading PKCS#7: %w", err)
	}
	var info, explicit, signed, certificates, crls cryptobyte.String
	var kind asn1.ObjectIdentifier
	in := cryptobyte.String(der)
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1ObjectIdentifier(&kind) {
		return nil, malformed("reading PKCS#7: no content type")
	}
	if !kind.Equal(oidSignedData) {
		return nil, fmt.Errorf("reading PKCS#7: content type %s: %w", kind, keystore.ErrUnsupported)
	}
	if !info.ReadASN1(&explicit, tagCertificates) || !explicit.ReadASN1(&signed, cbasn1.SEQUENCE) ||
		!signed.SkipASN1(cbasn1.INTEGER) || !signed.SkipASN1(cbasn1.SET) || !signed.SkipASN1(cbasn1.SEQUENCE) ||
		!signed.ReadOptionalASN1(&certificates, nil, tagCertificates) ||
		!signed.ReadOptionalASN1(&crls, nil, tagCRLs) {
		return nil, malformed("reading PKCS#7: not a SignedData")
	}
	b := &bundle{trailing: len(rest), room: limits.Entries}
	if err := b.members(certificates, b.certificate); err != nil {
		return nil, fmt.Errorf("reading PKCS#7: %w", err)
	}
	if err := b.members(crls, b.crl); err != nil {
		return nil, fmt.Errorf("reading PKCS#7: %w", err)
	}
	return b, nil
}

// members reads one of the two lists. Its members are SEQUENCEs; those of other kinds have a context tag (RFC 5652 sections
// 10.2.1 and 10.2.2), for attribute certificates and OCSP responses, and are left out.
func (b *bundle) members(list cryptobyte.String, take func([]byte) error) error {
	const context = 0x80
	for !list.Empty() {
		if b.room == 0 {
			return fmt.Errorf("too many entries: %w", keystore.ErrTooLarge)
		}
		b.room--
		var one cryptobyte.String
		var tag cbasn1.Tag
		if !list.ReadAnyASN1Element(&one, &tag) {
			return malformed("a certificate or CRL is cut short")
		}
		if tag&context != 0 {
			b.others++
			continue
		}
		if err := take(one); err != nil {
			return err
		}
	}
	return nil
}

// certificate adds a certificate.
func (b *bundle) certificate(der []byte) error {
	c, err := keystore.ParseCertificate(der)
	b.certificates = append(b.certificates, c)
	return err
}

// crl adds a CRL.
func (b *bundle) crl(der []byte) error {
	b.crls = append(b.crls, der)
	return checkSigned(der, labelCRL, "CRL")
}

// EncodePKCS7 returns certificates, in the order given, as a PKCS#7 bundle in binary (.p7b, .p7c). For the text form, see
// [EncodePKCS7Text]; for CRLs and the other forms, [PKCS7].
func EncodePKCS7(certificates ...keystore.Certificate) ([]byte, error) {
	var raw [][]byte
	for _, c := range certificates {
		raw = append(raw, c.Raw)
	}
	return buildPKCS7(raw, nil)
}

// EncodePKCS7Text is [EncodePKCS7] as a PEM block.
func EncodePKCS7Text(certificates ...keystore.Certificate) ([]byte, error) {
	der, err := EncodePKCS7(certificates...)
	if err != nil {
		return nil, err
	}
	return appendBlock(nil, labelPKCS7, der), nil
}
