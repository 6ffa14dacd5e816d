package inspect

import "github.com/mqttpki/mqttpki/keystore"

// Kinds of keys are named by their algorithm or, on a curve, by that. Where a program uses some only, the names of those are
// in its knowledge.
var (
	rsaKeys     = []string{"RSA", "RSA-PSS"}
	nistCurves  = []string{"P-256", "P-384", "P-521"} // those that all use
	edwardsKeys = []string{"Ed25519", "Ed448"}
	agreement   = []string{"X25519", "X448", "DH", "X9.42 DH"} // they cannot sign, which TLS wants of a certificate's key
)

// ownCurve is the kind of a key, and the trait of a file with a key or certificate, whose curve has no name but is spelled
// out (ECParameters, SEC 1 appendix C.2).
const ownCurve = "EC with parameters of its own"

// kindOf returns the kind of a private key; it goes by the leaf where the key is locked, and is "" where that is not there.
func kindOf(id *keystore.Identity) string {
	if id.Key != nil {
		return describePrivate(id.Key).kind()
	}
	if leaf := id.Leaf(); leaf != nil {
		return publicKind(*leaf)
	}
	return ""
}

// publicKind returns the kind of a certificate's key, "" where it cannot be told.
func publicKind(c keystore.Certificate) string {
	x := parsed(c)
	if x == nil {
		return ""
	}
	return describePublic(x.PublicKey, x.RawSubjectPublicKeyInfo).kind()
}

// kind names the kind of a key.
func (k Key) kind() string {
	switch k.Curve {
	case "":
		return k.Algorithm
	case parametersOfItsOwn:
		return ownCurve
	}
	return k.Curve
}

// onOwnCurve reports whether the public key of a certificate is of the kind ownCurve, which Go does not know.
func onOwnCurve(c keystore.Certificate) bool {
	return c.X509 == nil && publicKind(c) == ownCurve
}

// anyOnOwnCurve reports whether a key or certificate of the store is.
func anyOnOwnCurve(s *keystore.Store) bool {
	for i := range s.Identities {
		id := &s.Identities[i]
		if kindOf(id) == ownCurve {
			return true
		}
		for _, c := range id.Chain {
			if onOwnCurve(c) {
				return true
			}
		}
	}
	for _, list := range [][]keystore.Anchor{s.Anchors, s.Loose} {
		for _, a := range list {
			if onOwnCurve(a.Certificate) {
				return true
			}
		}
	}
	return false
}
