package ibm

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// holder is the server or the client: what its key store holds now and is to hold at the end.
type holder struct {
	Party
	role    ca.Role
	name    string            // the subject's common name
	subject keystore.Name     // of its certificates
	sans    []ca.SAN          // beside the name's own
	id      keystore.Identity // key and chain; Chain is empty while the key has no certificate
	rest    keystore.Store    // everything else in the store: it stays
}

// holder reads what there is of a party.
func (j *Job) holder(p Party, role ca.Role) (*holder, error) {
	subject, err := ca.ParseDN(p.Subject)
	if err != nil {
		return nil, err
	}
	names := subject.Values(keystore.OIDCommonName)
	if len(names) != 1 {
		return nil, fmt.Errorf("%w: the subject %q of the %s must have one CN", ErrSetting, p.Subject, role)
	}
	h := &holder{Party: p, role: role, name: names[0], subject: subject}
	if role == ca.RoleServer {
		if h.sans, err = serverSANs(h.name, j.Host); err != nil {
			return nil, err
		}
	}
	return h, j.readKeyStore(h)
}

// serverSANs are the names that clients may dial: the subject's if it is one, the broker's host, and localhost.
func serverSANs(name, host string) ([]ca.SAN, error) {
	var sans []ca.SAN
	if san, err := ca.ParseSAN(name); err == nil {
		sans = append(sans, san)
	}
	for _, name := range []string{host, "localhost"} {
		san, err := ca.ParseSAN(name)
		if err != nil {
			return nil, fmt.Errorf("%w: host: %v", ErrSetting, err)
		}
		if !slices.Contains(sans, san) {
			sans = append(sans, san)
		}
	}
	return sans, nil
}

// readKeyStore reads what the party's store holds, whatever format a file of that name really has: since Java 9
// keytool has made PKCS12 of what it was told to call .jks.
func (j *Job) readKeyStore(h *holder) error {
	data, err := safefile.Read(h.KeyStore, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	store, err := j.decode(h.KeyStore, h.KeyPassword, data)
	if err != nil {
		return fmt.Errorf("reading key store %q: %w", h.KeyStore, err)
	}
	for i, id := range store.Identities {
		if !strings.EqualFold(id.Alias, h.Alias) {
			continue
		}
		if id.Key == nil {
			return fmt.Errorf("reading key store %q: entry %q: %w", h.KeyStore, id.Alias, id.Locked)
		}
		h.id = id
		store.Identities = slices.Delete(store.Identities, i, i+1)
		break
	}
	h.rest = *store
	return nil
}

// decode reads a store under the password of its file, and its keys under one of their own.
func (j *Job) decode(path, keyVariable string, data []byte) (*keystore.Store, error) {
	password, err := j.Passwords.Of(j.passwordOfFile[path])
	if err != nil {
		return nil, err
	}
	keyPassword, err := j.Passwords.Of(keyVariable)
	if err != nil {
		return nil, err
	}
	return detect(data).Decode(data, keystore.DecodeOptions{Password: password, KeyPassword: keyPassword})
}

// makeKey gives the party a key, if it has none.
func (j *Job) makeKey(h *holder) error {
	if h.id.Key != nil {
		return nil
	}
	key, err := j.KeyType.Generate(j.Random)
	if err != nil {
		return err
	}
	h.id = keystore.Identity{Alias: h.Alias, Created: j.Now(), Key: key}
	return nil
}

// store is what the party's key store is to hold: its key, the trusted entry alias, and whatever else was there but
// entries named in without.
func (h *holder) store(trust *keystore.Anchor, without ...string) *keystore.Store {
	s := h.rest
	s.Identities = append([]keystore.Identity{h.id}, h.rest.Identities...)
	if trust != nil {
		without = append(without, trust.Alias)
	}
	s.Anchors = slices.DeleteFunc(slices.Clone(h.rest.Anchors), func(a keystore.Anchor) bool {
		return slices.ContainsFunc(without, func(alias string) bool { return strings.EqualFold(alias, a.Alias) })
	})
	if trust != nil {
		s.Anchors = append(s.Anchors, *trust)
	}
	return &s
}

// fits reports whether the party's certificate is one that this job would make again: signed by issuer (itself when
// nil), for its subject, its names and its role, and valid now.
func (h *holder) fits(issuer *x509.Certificate, now time.Time) bool {
	leaf := h.id.Leaf()
	if leaf == nil || leaf.X509 == nil {
		return false
	}
	cert := leaf.X509
	if issuer == nil {
		issuer = cert
	}
	return h.certifies(cert.RawSubject, cert.PublicKey, ca.CertificateSANs(cert)) && len(cert.ExtKeyUsage) == 1 &&
		bytes.Equal(cert.RawIssuer, issuer.RawSubject) && signedBy(cert, issuer) &&
		now.After(cert.NotBefore) && now.Before(cert.NotAfter)
}

// certifies reports whether a certificate or request with these properties is for the party's key, subject and names.
func (h *holder) certifies(rawSubject []byte, public crypto.PublicKey, sans []ca.SAN) bool {
	subject, err := h.subject.DER()
	own, comparable := h.id.Key.Signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if err != nil || !comparable || !own.Equal(public) || !bytes.Equal(rawSubject, subject) {
		return false
	}
	return !slices.ContainsFunc(h.sans, func(san ca.SAN) bool { return !slices.Contains(sans, san) })
}

// signedBy checks the signature alone: a self-signed leaf is no CA, and may sign itself all the same.
func signedBy(cert, issuer *x509.Certificate) bool {
	return issuer.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature) == nil
}
