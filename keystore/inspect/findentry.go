package inspect

import (
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// identity judges a key and its chain.
func (f *finder) identity(id *keystore.Identity, o Options) {
	damage := ""
	if id.Key != nil {
		damage = id.Key.Damage()
	}
	switch {
	case id.Key == nil && errors.Is(id.Locked, keystore.ErrUnsupported):
		f.add("key-unsupported", Warning, id.Alias, "The private key cannot be read here: %s.", id.Locked)
	case id.Key == nil:
		f.add("key-locked", Notice, id.Alias, "The private key cannot be read without its password.")
	case damage != "":
		f.add("key-damaged", Error, id.Alias, "The private key is damaged: %s.", damage)
	case id.Leaf() == nil: // else the certificate is judged
		f.key(describePrivate(id.Key), id.Alias, "The private key is")
	}
	leaf := id.Leaf()
	if leaf == nil {
		// In text a key is mostly a file by itself; where certificates are beside it, the decoder has said it.
		if !f.sealed && !slices.Contains(textFormats, o.Format) {
			f.add("key-without-certificate", Warning, id.Alias, "There is no certificate for the private key.")
		}
		return
	}
	if matches, sure := id.Key.Matches(*leaf); sure && !matches && damage == "" {
		f.add("key-leaf-mismatch", Error, id.Alias, "The certificate is not for the private key.")
	}
	f.chain(id)
	if x := parsed(*leaf); x != nil && isCA(x) {
		f.add("ca-key", Notice, id.Alias, "This is the key of a certificate authority: whoever has it can issue certificates. No broker or client needs it.")
	}
	f.certificate(*leaf, entryName(id.Alias, *leaf))
	for _, c := range id.Chain[1:] {
		if !f.judged[&c.Raw[0]] { // many keys may share the certificates above theirs
			f.judged[&c.Raw[0]] = true
			f.certificate(c, entryName("", c))
		}
	}
}

// isCA reports whether a certificate may sign others.
func isCA(x *x509.Certificate) bool { return x.BasicConstraintsValid && x.IsCA }

// trusted judges a certificate as a trusted one.
func (f *finder) trusted(a keystore.Anchor) {
	x, name := parsed(a.Certificate), entryName(a.Alias, a.Certificate)
	if x == nil {
		return
	}
	self, subject, issuer := keystore.SelfIssued(x), keystore.DistinguishedName(x.RawSubject), keystore.DistinguishedName(x.RawIssuer)
	switch {
	case !isCA(x) && self:
		f.add("trusted-not-ca", Notice, name, "%s is trusted and is no CA: it alone is trusted, and has to be replaced here when it is renewed.", subject)
	case !isCA(x):
		f.add("trusted-not-ca", Warning, name, "%s is trusted and is the certificate of a server or client, not of the CA that issued it; OpenSSL and what is built on it will not accept it.", subject)
	case !self && !f.has(a.Certificate).signer:
		f.add("trusted-intermediate", Notice, name, "%s is trusted without %s, which issued it; OpenSSL and what is built on it, Mosquitto too, want the root as well.", subject, issuer)
	}
}

// other judges requests, CRLs and public keys.
func (f *finder) other(o *keystore.Other) {
	switch o.Kind {
	case keystore.KindRequest:
		r, err := x509.ParseCertificateRequest(o.Raw)
		if err != nil {
			return
		}
		if keystore.CheckRequest(r) == keystore.SignatureWrong {
			f.add("bad-signature", Error, o.Alias, "The request was not signed with the key it is for.")
		}
		f.key(describePublic(r.PublicKey, r.RawSubjectPublicKeyInfo), o.Alias, "The request has")
		if weakSignatures[r.SignatureAlgorithm] {
			f.add("weak-signature", Warning, o.Alias, "The request is signed with %s, which some authorities refuse.", r.SignatureAlgorithm)
		}
	case keystore.KindCRL:
		l, _, err := keystore.SummarizeCRL(o.Raw)
		if err != nil || l.NextUpdate.IsZero() {
			return
		}
		due := l.NextUpdate.UTC().Format(time.DateOnly)
		switch left := l.NextUpdate.Sub(f.now); {
		case left < 0:
			f.add("crl-expired", Error, o.Alias, "The CRL was due for renewal on %s; brokers that check it refuse everybody.", due)
		case left < crlSoon:
			f.add("crl-expires-soon", Warning, o.Alias, "The CRL is due for renewal on %s; from then on brokers that check it refuse everybody.", due)
		}
	case keystore.KindPublicKey:
		public, _ := x509.ParsePKIXPublicKey(o.Raw) // what Go does not know is named all the same
		f.key(describePublic(public, o.Raw), o.Alias, "The public key is")
	}
}

// crlSoon is how long before its end a CRL is worth a warning: long enough for a weekend.
const crlSoon = 3 * 24 * time.Hour
