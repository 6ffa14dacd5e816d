package p12file

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/ber"
)

var (
	tagExplicit0    = cbasn1.Tag(0).ContextSpecific().Constructed()
	tagImplicit0    = cbasn1.Tag(0).ContextSpecific()
	tagUnprotected1 = cbasn1.Tag(1).ContextSpecific().Constructed()
)

// readContentInfo reads a ContentInfo: its type and what lies in [0].
func readContentInfo(in *cryptobyte.String) (oid string, content cryptobyte.String, ok bool) {
	var info cryptobyte.String
	var id asn1.ObjectIdentifier
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1ObjectIdentifier(&id) ||
		!info.ReadASN1(&content, tagExplicit0) || !info.Empty() {
		return "", nil, false
	}
	return id.String(), content, true
}

// layer normalizes one layer of the file to DER and returns the content of the SEQUENCE that it is. The file's layers
// lie in each other as OCTET STRINGs, and each may be BER by itself.
func (d *decoder) layer(data []byte, what string) (cryptobyte.String, error) {
	der, rest, err := ber.Normalize(data, d.limits.Depth)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", what, err)
	}
	if len(rest) > 0 {
		d.report.add("warning", "trailing-bytes", "", "%d bytes follow %s; they were ignored", len(rest), what)
	}
	in := cryptobyte.String(der)
	var body cryptobyte.String
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) {
		return nil, fmt.Errorf("reading %s: no SEQUENCE: %w", what, keystore.ErrFormat)
	}
	return body, nil
}

// readAuthenticatedSafe reads the list of safes and the bags in each.
func (d *decoder) readAuthenticatedSafe(data []byte) error {
	safes, err := d.layer(data, "the authenticated safe")
	if err != nil {
		return err
	}
	for !safes.Empty() {
		oid, content, ok := readContentInfo(&safes)
		if !ok {
			return fmt.Errorf("reading the authenticated safe: %w", keystore.ErrFormat)
		}
		switch oid {
		case oidData:
			var octets cryptobyte.String
			if !content.ReadASN1(&octets, cbasn1.OCTET_STRING) || !content.Empty() {
				return fmt.Errorf("reading an unencrypted safe: %w", keystore.ErrFormat)
			}
			err = d.readSafe(bytes.Clone(octets)) // what is returned must not change with the caller's buffer
		case oidEncryptedData:
			err = d.readEncryptedSafe(content)
		case oidEnvelopedData:
			err = fmt.Errorf("reading a safe encrypted to a public key (%s): %w", oid, keystore.ErrUnsupported)
		default:
			err = fmt.Errorf("reading a safe of type %s: %w", oid, keystore.ErrUnsupported)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readEncryptedSafe opens EncryptedData. Without a password it is passed over.
func (d *decoder) readEncryptedSafe(content cryptobyte.String) error {
	alg, ciphertext, err := splitEncryptedData(content)
	if err != nil {
		return err
	}
	plain, err := d.openSafe(alg, ciphertext)
	if err != nil || plain == nil {
		return err
	}
	return d.readSafe(plain)
}

// splitEncryptedData cuts EncryptedData (RFC 5652 section 8) into its AlgorithmIdentifier and its ciphertext.
func splitEncryptedData(content cryptobyte.String) (alg, ciphertext []byte, err error) {
	var data, info, algorithm cryptobyte.String
	var version int64
	var id asn1.ObjectIdentifier
	ok := content.ReadASN1(&data, cbasn1.SEQUENCE) && content.Empty() &&
		data.ReadASN1Integer(&version) && data.ReadASN1(&info, cbasn1.SEQUENCE) &&
		info.ReadASN1ObjectIdentifier(&id) && info.ReadASN1Element(&algorithm, cbasn1.SEQUENCE)
	if ok {
		ciphertext, ok = readCiphertext(&info)
	}
	if !ok || !info.Empty() || !data.SkipOptionalASN1(tagUnprotected1) || !data.Empty() {
		return nil, nil, fmt.Errorf("reading an encrypted safe: %w", keystore.ErrFormat)
	}
	return algorithm, ciphertext, nil
}

// readCiphertext reads EncryptedContent, [0] IMPLICIT OCTET STRING, which in BER may have come in pieces.
func readCiphertext(info *cryptobyte.String) ([]byte, bool) {
	var element cryptobyte.String
	var tag cbasn1.Tag
	if !info.ReadAnyASN1Element(&element, &tag) || tag != tagImplicit0 && tag != tagExplicit0 {
		return nil, false
	}
	octets, err := ber.Octets(element)
	return octets, err == nil
}

// readSafe reads SafeContents.
func (d *decoder) readSafe(data []byte) error {
	bags, err := d.layer(data, "a safe")
	if err != nil {
		return err
	}
	return d.readBags(bags)
}

var errBag = fmt.Errorf("reading a bag: %w", keystore.ErrFormat)

// reserve makes room for the keys and others in a list of bags, up to the first that is malformed: a list that grows bit by
// bit takes several times the memory, which the smallest of bags are no measure for.
func (d *decoder) reserve(bags cryptobyte.String) {
	keys, others, sealed, open := 0, 0, 0, 0
	for n := d.entries; n < d.limits.Entries; n++ {
		var bag cryptobyte.String
		if !bags.ReadASN1(&bag, cbasn1.SEQUENCE) {
			break
		}
		switch oid, _ := readOID(&bag); oid {
		case oidKeyBag:
			keys, open = keys+1, open+1
		case oidShroudedBag:
			keys, sealed = keys+1, sealed+1
		case oidCRLBag:
			others++
		case oidSecretBag:
			others, sealed = others+1, sealed+1
		}
	}
	d.keys = slices.Grow(d.keys, keys)
	d.others = slices.Grow(d.others, others)
	d.pending = slices.Grow(d.pending, sealed)
	d.protection = slices.Grow(d.protection, open)
}

// readBags reads a list of SafeBags. Safes within safes come back here; the nesting is bounded since all of it lies
// in one layer.
func (d *decoder) readBags(bags cryptobyte.String) error {
	d.reserve(bags)
	for first := true; !bags.Empty(); first = false {
		var bag, value cryptobyte.String
		if !bags.ReadASN1(&bag, cbasn1.SEQUENCE) {
			return errBag
		}
		oid, ok := readOID(&bag)
		if !ok || !bag.ReadASN1(&value, tagExplicit0) {
			return errBag
		}
		if d.entries++; d.entries > d.limits.Entries {
			return fmt.Errorf("reading bags: more than %d: %w", d.limits.Entries, keystore.ErrTooLarge)
		}
		attrs, err := d.readAttributes(bag)
		if err != nil {
			return err
		}
		d.javaBag(oid, first, &attrs)
		if err := d.readBag(oid, value, attrs); err != nil {
			return err
		}
	}
	return nil
}

// readBag reads one bag by its kind.
func (d *decoder) readBag(oid string, value cryptobyte.String, attrs attributes) error {
	switch oid {
	case oidKeyBag:
		return d.readPlainKey(value, attrs)
	case oidShroudedBag:
		return d.readShroudedKey(value, attrs)
	case oidCertBag:
		return d.readCert(value, attrs)
	case oidCRLBag:
		return d.readCRL(value, attrs)
	case oidSecretBag:
		return d.readSecret(value, attrs)
	case oidSafeBag:
		var nested cryptobyte.String
		if !value.ReadASN1(&nested, cbasn1.SEQUENCE) || !value.Empty() {
			return fmt.Errorf("reading a safe in a safe: %w", keystore.ErrFormat)
		}
		d.report.add("warning", "nested-safe", attrs.name, "the file has a safe within a safe, whose entries Java and GnuTLS do not see")
		d.nested++
		defer func() { d.nested-- }()
		return d.readBags(nested)
	}
	d.report.add("warning", "unknown-bag", attrs.name, "an entry of the unknown kind %s was passed over", oid)
	return nil
}

// readTyped reads SEQUENCE { OID, [0] EXPLICIT OCTET STRING }, the shape of a certificate, CRL or secret.
func readTyped(value cryptobyte.String) (oid string, octets []byte, ok bool) {
	var body, wrapped, content cryptobyte.String
	if !value.ReadASN1(&body, cbasn1.SEQUENCE) || !value.Empty() {
		return "", nil, false
	}
	if oid, ok = readOID(&body); !ok || !body.ReadASN1(&wrapped, tagExplicit0) || !body.Empty() {
		return "", nil, false
	}
	if !wrapped.ReadASN1(&content, cbasn1.OCTET_STRING) || !wrapped.Empty() {
		return oid, nil, true // some other type: the OID says which
	}
	return oid, content, true
}
