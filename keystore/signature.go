package keystore

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
)

// What a signature check may cost. Its time grows with the square of a key's length and with the exponent, so that a
// file could buy hours by a few large keys. Whatever is larger counts as unknown, like an algorithm that Go does not know.
const (
	maxCheckedKey      = 1<<10 + 128 // bytes of a SubjectPublicKeyInfo: RSA with 8,192 bits needs 1,062
	maxCheckedExponent = 1 << 17     // of RSA: nearly all keys have 65,537
	minCheckedRSA      = 1024        // bits: crypto/rsa refuses to look at less
)

// Verdict is what is known of a signature.
type Verdict int

// The verdicts.
const (
	SignatureUnknown Verdict = iota // it could not be checked: algorithm or size of the key
	SignatureFits
	SignatureWrong
)

// CheckRequest says whether a request was signed with the key it is for.
func CheckRequest(r *x509.CertificateRequest) Verdict {
	if !checkable(r.RawSubjectPublicKeyInfo, r.PublicKey) {
		return SignatureUnknown
	}
	return verdict(r.CheckSignature())
}

// signedBy is checkSignature, made once for two certificates however often they are asked about: a conversion orders a
// chain, fits it to its format and finds it in the file again, and to check a signature takes longer than all of that.
// Only that it fits is remembered, with the very certificate that was asked about.
func (c Certificate) signedBy(issuer *x509.Certificate) Verdict {
	if c.signer == nil {
		return checkSignature(issuer, c.X509)
	}
	if c.signer.Load() == issuer {
		return SignatureFits
	}
	v := checkSignature(issuer, c.X509)
	if v == SignatureFits {
		c.signer.Store(issuer)
	}
	return v
}

// checkSignature says whether the issuer's key signed a certificate.
func checkSignature(issuer, c *x509.Certificate) Verdict {
	if !checkable(issuer.RawSubjectPublicKeyInfo, issuer.PublicKey) {
		return SignatureUnknown
	}
	return verdict(issuer.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature))
}

// checkable reports whether crypto/x509 can be asked about signatures of a public key.
func checkable(spki []byte, public any) bool {
	if key, ok := public.(*rsa.PublicKey); ok && (key.N.BitLen() < minCheckedRSA || key.E > maxCheckedExponent) {
		return false
	}
	return len(spki) <= maxCheckedKey
}

// verdict reads the errors of crypto/x509.
func verdict(err error) Verdict {
	var insecure x509.InsecureAlgorithmError
	switch {
	case err == nil:
		return SignatureFits
	case errors.Is(err, x509.ErrUnsupportedAlgorithm), errors.As(err, &insecure):
		return SignatureUnknown
	}
	return SignatureWrong
}
