package ca

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// ImportRequest is an existing CA that [Import] takes over.
type ImportRequest struct {
	Store      *keystore.Store // the CA's key and certificates, decoded from PEM, PKCS12 or JKS
	Alias      string          // which key, where the store has several; "" when it has one
	Password   keystore.Secret // the key that signs rests encrypted under this; nil: unencrypted, with a warning
	Iterations int             // see InitRequest.Iterations
	Extra      []keystore.Artifact
	Force      bool // see InitRequest.Force
}

// Import makes a PKI in dir around an existing CA: a root that signs by itself, or an intermediate whose root comes along
// as a certificate. What that CA issued before is not in the inventory, and so neither renewed nor on the CRL. It fails
// like [Init], and with ErrNotFound when the store has no such key.
func Import(ctx context.Context, dir string, req ImportRequest, opts Options) (*InitResult, error) {
	f, err := FoundImported(dir, req, opts)
	if err != nil {
		return nil, err
	}
	return f.Establish(ctx)
}

// FoundImported makes the PKI of [Import] in memory; see [Found].
func FoundImported(dir string, req ImportRequest, opts Options) (*Foundation, error) {
	f := &Foundation{dir: dir, force: req.Force, opts: opts.complete(), doing: "taking over a CA into", extra: req.Extra, result: &InitResult{}}
	err := checkVacant(dir, req.Force)
	if err == nil {
		err = req.found(f)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", f.doing, dir, err)
	}
	return f, nil
}

// found takes the CA out of its store.
func (req ImportRequest) found(f *Foundation) error {
	opts, result := f.opts, f.result
	identity, err := chooseIdentity(req.Store, req.Alias)
	if err != nil {
		return err
	}
	chain, err := importedChain(req.Store, identity)
	if err != nil {
		return err
	}
	if f.issuer, err = NewAuthority(chain, identity.Key.Signer, opts.Now, opts.Random); err != nil {
		return err
	}
	result.Root = chain[len(chain)-1]
	if result.Notices, err = judgeImported(chain, opts); err != nil {
		return err
	}
	made := madeCA{RootKeyPath, "the root's key", &CASpec{Key: identity.Key, Password: req.Password}}
	if len(chain) == 1 {
		f.root = f.issuer
	} else {
		made.path, made.note = IssuingKeyPath, "the issuing CA's key"
		f.rootCert, result.Issuing = result.Root, chain[0]
		result.Notices = append(result.Notices, warn("root-key-elsewhere", "the root's key is not here, so %s is not made; "+
			"brokers that check the whole chain need the root's CRL from where its key is", RootCRLPath))
	}
	if !req.Password.Given() {
		result.Notices = append(result.Notices, warn("ca-key-unencrypted", "%s is not encrypted: whoever reads the file can sign for everybody", made.path))
	}
	f.sealed, err = seal(opts, req.Iterations, []madeCA{made})
	return err
}

// chooseIdentity returns the store's key of that alias, or its only one.
func chooseIdentity(store *keystore.Store, alias string) (*keystore.Identity, error) {
	var found []*keystore.Identity
	for i := range store.Identities {
		if alias == "" || store.Identities[i].Alias == alias {
			found = append(found, &store.Identities[i])
		}
	}
	switch {
	case len(found) == 0:
		if alias == "" {
			return nil, fmt.Errorf("the CA's private key: %w", ErrNotFound)
		}
		return nil, fmt.Errorf("the private key %s: %w", shortQuote(alias), ErrNotFound)
	case len(found) > 1:
		return nil, policy("the file has %d private keys; say which by its alias", len(found))
	case found[0].Key == nil:
		return nil, fmt.Errorf("key %s: %w", shortQuote(found[0].Alias), found[0].Locked)
	case found[0].Key.Signer == nil:
		return nil, fmt.Errorf("key %s: its algorithm: %w", shortQuote(found[0].Alias), keystore.ErrUnsupported)
	}
	return found[0], nil
}

// importedChain puts the CA's certificate and those above it in order, wherever in the store they are.
func importedChain(store *keystore.Store, identity *keystore.Identity) ([]*x509.Certificate, error) {
	certs := append([]keystore.Certificate{}, identity.Chain...)
	for _, list := range [][]keystore.Anchor{store.Anchors, store.Loose} {
		for _, a := range list {
			certs = append(certs, a.Certificate)
		}
	}
	own := -1
	for i, c := range certs {
		if c.X509 != nil && samePublic(identity.Key.Signer.Public(), c.X509.PublicKey) {
			own = i
			break
		}
	}
	if own < 0 {
		return nil, policy("the file has no certificate for the key")
	}
	chain := []*x509.Certificate{certs[own].X509}
	for _, i := range keystore.NewPool(certs).Chain(own, maxReplyChain) {
		chain = append(chain, certs[i].X509)
	}
	if top := chain[len(chain)-1]; !keystore.SelfIssued(top) {
		return nil, policy("the root is missing: nothing here has issued %s; its certificate has to come along", shortQuote(top.Subject.String()))
	}
	const most = 2 // what the folder has a place for
	if len(chain) > most {
		return nil, policy("%d CAs stand in a row; at most a root and an issuing CA can be taken over", len(chain))
	}
	return chain, nil
}

// judgeImported refuses what could not issue a valid certificate today, and names what is merely odd.
func judgeImported(chain []*x509.Certificate, opts Options) ([]Notice, error) {
	notices := []Notice{note("import-history", "what this CA issued before is not in the inventory: it is not listed, renewed or put on the CRL")}
	now := opts.Now()
	for _, c := range chain {
		found, err := CheckKey(c.PublicKey)
		if err != nil {
			return nil, fmt.Errorf("CA %s: %w", shortQuote(c.Subject.String()), err)
		}
		notices = append(notices, found...)
		if now.Before(c.NotBefore) || now.After(c.NotAfter) {
			return nil, policy("CA %s is valid from %s to %s only", shortQuote(c.Subject.String()),
				c.NotBefore.Format("2006-01-02"), c.NotAfter.Format("2006-01-02"))
		}
		if c.SerialNumber.Sign() <= 0 {
			return nil, policy("CA %s has the serial number %v; a positive one is needed", shortQuote(c.Subject.String()), c.SerialNumber)
		}
		if c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCRLSign == 0 {
			return nil, policy("CA %s may not sign CRLs (keyUsage), so nothing it issues could be revoked", shortQuote(c.Subject.String()))
		}
		if c.KeyUsage == 0 {
			notices = append(notices, warn("import-no-key-usage", "CA %s has no keyUsage: strict TLS libraries refuse it", shortQuote(c.Subject.String())))
		}
		if len(c.SubjectKeyId) == 0 {
			notices = append(notices, warn("import-no-key-id", "CA %s has no subject key identifier: strict TLS libraries refuse it", shortQuote(c.Subject.String())))
		}
	}
	return notices, nil
}
