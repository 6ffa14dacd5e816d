package formats

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore/ber"
)

// This file recognises files in DER that have no keys, certificates or CRLs of their own, and archives. People come across
// them where those are kept.

// isOCSPResponse reports whether data is an OCSPResponse (RFC 6960 section 4.2.1): it begins with an ENUMERATED.
func isOCSPResponse(data []byte) bool {
	body, ok := sequence(data)
	return ok && body.SkipASN1(asn1.ENUM) && (body.Empty() || body.PeekASN1Tag(asn1.Tag(0).Constructed().ContextSpecific()))
}

// isTimestampQuery reports whether data is a TimeStampReq (RFC 3161 section 2.4.1): a version, and the algorithm and value
// of a hash.
func isTimestampQuery(data []byte) bool {
	body, ok := sequence(data)
	var version int64
	var imprint, algorithm, value cryptobyte.String
	return ok && body.ReadASN1Integer(&version) && version == 1 && body.ReadASN1(&imprint, asn1.SEQUENCE) &&
		imprint.ReadASN1(&algorithm, asn1.SEQUENCE) && algorithm.PeekASN1Tag(asn1.OBJECT_IDENTIFIER) &&
		imprint.ReadASN1(&value, asn1.OCTET_STRING) && imprint.Empty()
}

// isTimestampReply reports whether data is a TimeStampResp (section 2.4.2): a status, and a token unless that is a refusal.
func isTimestampReply(data []byte) bool {
	body, ok := sequence(data)
	var status, token cryptobyte.String
	return ok && body.ReadASN1(&status, asn1.SEQUENCE) && status.SkipASN1(asn1.INTEGER) && body.ReadASN1(&token, asn1.SEQUENCE) && body.Empty() &&
		bytes.HasPrefix(token, append(cmsTypes[:len(cmsTypes):len(cmsTypes)], 2))
}

// cmsTypes is the beginning of the DER of the content types of PKCS#7 (RFC 2315 section 14). One byte follows: 2 is
// SignedData, which is read.
var cmsTypes = []byte{0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07}

// isEnveloped reports whether data is a message in CMS (RFC 5652) that is encrypted: to somebody's key, or by a password.
func isEnveloped(data []byte) bool {
	const enveloped, signedAndEnveloped, encrypted = 3, 4, 6
	content, _ := ber.Begin(data)
	kind, is := bytes.CutPrefix(content, cmsTypes)
	return is && len(kind) > 0 && (kind[0] == enveloped || kind[0] == signedAndEnveloped || kind[0] == encrypted)
}

// isTar reports whether data is an archive of tar's since POSIX.1-1988.
func isTar(data []byte) bool {
	const magic = 257
	return len(data) > magic && bytes.HasPrefix(data[magic:], []byte("ustar")) && data[magic-1] == 0 // the end of a field
}

// sequence returns the content of a SEQUENCE that is all of data.
func sequence(data []byte) (cryptobyte.String, bool) {
	var body cryptobyte.String
	in := cryptobyte.String(data)
	ok := in.ReadASN1(&body, asn1.SEQUENCE) && in.Empty()
	return body, ok
}
