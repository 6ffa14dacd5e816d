package pemfile

import (
	"bytes"
	"encoding/asn1"
	"errors"
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
	content, ok := ber.Begin(data)
	return ok && bytes.HasPrefix(content, signedDataHead)
}

// bundle is what a PKCS#7 file without content is used for.
type bundle struct {
	certificates []keystore.Certificate
	crls         [][]byte
	others       int // members that are neither
	trailing     int // bytes behind the object
	room         int // how many more members there may be

	parsed *keystore.Parsed // what need not be parsed again
}

// parsePKCS7 reads the certificates and CRLs of a SignedData, DER or BER. Signatures are not looked at: such a bundle is
// only a way to send certificates, which prove themselves. Those that are not in parsed have no X509 yet: see
// [keystore.ParseAll].
func parsePKCS7(data []byte, limits keystore.Limits, parsed *keystore.Parsed) (*bundle, error) {
	b := &bundle{room: limits.Entries, parsed: parsed}
	file := ber.NewReader(data, limits.Depth)
	if err := b.contentInfo(file); err != nil {
		return nil, fmt.Errorf("reading PKCS#7: %w", err)
	}
	b.trailing = len(file.Rest())
	return b, nil
}

// contentInfo reads the outer layers, RFC 5652 section 3: a SEQUENCE of a type and, under a tag, the content.
func (b *bundle) contentInfo(file *ber.Reader) error {
	info, err := file.Enter(tagSequence)
	if err != nil {
		return err
	}
	oid, err := info.Next()
	if err != nil {
		return err
	}
	var kind asn1.ObjectIdentifier
	if in := cryptobyte.String(oid); !in.ReadASN1ObjectIdentifier(&kind) {
		return malformed("no content type")
	}
	if !kind.Equal(oidSignedData) {
		return fmt.Errorf("content type %s: %w", kind, keystore.ErrUnsupported)
	}
	explicit, err := info.Enter(byte(tagCertificates))
	if err != nil {
		return err
	}
	signed, err := explicit.Enter(tagSequence)
	if err != nil {
		return err
	}
	if err := b.signedData(signed); err != nil {
		return err
	}
	return errors.Join(explicit.Leave(signed), info.Leave(explicit), file.Leave(info))
}

// signedData reads a SignedData, RFC 5652 section 5.1. Version, digests, content and signers are passed over.
func (b *bundle) signedData(signed *ber.Reader) error {
	for _, tag := range []cbasn1.Tag{cbasn1.INTEGER, cbasn1.SET, cbasn1.SEQUENCE} {
		if signed.Tag() != byte(tag) {
			return malformed("not a SignedData")
		}
		if _, err := signed.Next(); err != nil {
			return err
		}
	}
	if err := b.members(signed, tagCertificates, b.certificate); err != nil {
		return err
	}
	if err := b.members(signed, tagCRLs, b.crl); err != nil {
		return err
	}
	for signed.More() {
		if _, err := signed.Next(); err != nil {
			return err
		}
	}
	return nil
}

// members reads one of the two lists, if it is there. Its members are SEQUENCEs; those of other kinds have a context tag
// (RFC 5652 sections 10.2.1 and 10.2.2), for attribute certificates and OCSP responses, and are left out.
func (b *bundle) members(signed *ber.Reader, tag cbasn1.Tag, take func([]byte) error) error {
	if signed.Tag() != byte(tag) {
		return nil
	}
	list, err := signed.Enter(byte(tag))
	if err != nil {
		return err
	}
	const context = 0x80
	for list.More() {
		if b.room == 0 {
			return fmt.Errorf("too many entries: %w", keystore.ErrTooLarge)
		}
		b.room--
		other := list.Tag()&context != 0
		one, err := list.Next()
		if err == nil && other {
			b.others++
		} else if err == nil {
			err = take(one)
		}
		if err != nil {
			return err
		}
	}
	return signed.Leave(list)
}

// certificate adds a certificate.
func (b *bundle) certificate(der []byte) error {
	c, err := b.parsed.Outline(der)
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
