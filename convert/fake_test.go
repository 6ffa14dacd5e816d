package convert_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// fake is a codec that writes stores as JSON. It behaves as a real one where the engine can tell: it renames, loses,
// and writes what does not read back when told to.
type fake struct {
	name      string
	lower     bool                  // aliases are lower-case, as in JKS
	noTrust   bool                  // there are no trusted entries, as in PEM
	noLoose   bool                  // other certificates are lost, as in JKS
	corrupt   func(*keystore.Store) // damages what Decode returns
	encodeErr error
	keys      string // how keys are protected, "" for not
}

// image is the file of a fake.
type image struct {
	Password string
	Keys     []imageEntry
	Anchors  []imageEntry
	Loose    []imageEntry
	Others   []keystore.Other
}

type imageEntry struct {
	Alias string
	Key   []byte
	Certs [][]byte
}

func (f fake) Name() string         { return f.name }
func (f fake) Extensions() []string { return []string{"." + f.name} }
func (f fake) Sniff(d []byte) bool  { return bytes.HasPrefix(d, []byte(f.name)) }

func (f fake) Fit(s *keystore.Store, _ keystore.EncodeOptions) (*keystore.Store, []keystore.Change, error) {
	var changes []keystore.Change
	out := &keystore.Store{Others: s.Others}
	alias := func(a string) string {
		if low := strings.ToLower(a); f.lower && low != a {
			changes = append(changes, keystore.Change{Kind: keystore.ChangeRenamed, Entry: a, To: low, Why: "lower case", Reason: keystore.RenameCase})
			return low
		}
		return a
	}
	for _, id := range s.Identities {
		id.Alias = alias(id.Alias)
		if f.keys != "" {
			out.Protection = append(out.Protection, keystore.Protection{Part: "key", Alias: id.Alias, Algorithm: f.keys, Iterations: 7})
		}
		out.Identities = append(out.Identities, id)
	}
	for _, a := range s.Anchors {
		a.Alias = alias(a.Alias)
		if f.noTrust {
			out.Loose = append(out.Loose, a)
			continue
		}
		out.Anchors = append(out.Anchors, a)
	}
	for _, a := range s.Loose {
		if f.noLoose {
			changes = append(changes, keystore.Change{Kind: keystore.ChangeLost, Entry: a.Certificate.Subject(), Why: "no place"})
			continue
		}
		out.Loose = append(out.Loose, a)
	}
	return out, changes, nil
}

func (f fake) Encode(s *keystore.Store, opts keystore.EncodeOptions) ([]byte, error) {
	if f.encodeErr != nil {
		return nil, f.encodeErr
	}
	img := image{Password: string(opts.Password), Others: s.Others}
	for _, id := range s.Identities {
		e := imageEntry{Alias: id.Alias, Key: id.Key.PKCS8}
		for _, c := range id.Chain {
			e.Certs = append(e.Certs, c.Raw)
		}
		img.Keys = append(img.Keys, e)
	}
	for _, a := range s.Anchors {
		img.Anchors = append(img.Anchors, imageEntry{Alias: a.Alias, Certs: [][]byte{a.Certificate.Raw}})
	}
	for _, a := range s.Loose {
		img.Loose = append(img.Loose, imageEntry{Alias: a.Alias, Certs: [][]byte{a.Certificate.Raw}})
	}
	data, err := json.Marshal(img)
	return append([]byte(f.name), data...), err
}

func (f fake) Decode(data []byte, opts keystore.DecodeOptions) (*keystore.Store, error) {
	var img image
	if err := json.Unmarshal(bytes.TrimPrefix(data, []byte(f.name)), &img); err != nil {
		return nil, fmt.Errorf("%w: %v", keystore.ErrFormat, err)
	}
	if img.Password != string(opts.Password) {
		return nil, keystore.ErrPassword
	}
	s := &keystore.Store{Integrity: keystore.IntegrityVerified, Others: img.Others}
	for _, e := range img.Keys {
		key, err := keystore.NewPrivateKey(e.Key)
		if err != nil {
			return nil, err
		}
		id := keystore.Identity{Alias: e.Alias, Key: key}
		for _, der := range e.Certs {
			id.Chain = append(id.Chain, keystore.NewCertificate(der))
		}
		s.Identities = append(s.Identities, id)
	}
	for _, e := range img.Anchors {
		s.Anchors = append(s.Anchors, keystore.Anchor{Alias: e.Alias, Certificate: keystore.NewCertificate(e.Certs[0])})
	}
	for _, e := range img.Loose {
		s.Loose = append(s.Loose, keystore.Anchor{Alias: e.Alias, Certificate: keystore.NewCertificate(e.Certs[0])})
	}
	if f.corrupt != nil {
		f.corrupt(s)
	}
	return s, nil
}

// party is a key with its certificate.
type party struct {
	key    crypto.Signer
	cert   keystore.Certificate
	signer *party
}

// private is the party's key as a store has it.
func (p *party) private(t testing.TB) *keystore.PrivateKey {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	require.NoError(t, err)
	key, err := keystore.NewPrivateKey(der)
	require.NoError(t, err)
	return key
}

// chain is the party's certificate and those above it, the root last.
func (p *party) chain() []keystore.Certificate {
	var chain []keystore.Certificate
	for at := p; at != nil; at = at.signer {
		chain = append(chain, at.cert)
	}
	return chain
}

// identity is the party as an entry, with its whole chain.
func (p *party) identity(t testing.TB, alias string) keystore.Identity {
	return keystore.Identity{Alias: alias, Key: p.private(t), Chain: p.chain()}
}

// anchor is the party's certificate as a trusted or loose entry.
func (p *party) anchor(alias string) keystore.Anchor {
	return keystore.Anchor{Alias: alias, Certificate: p.cert}
}

// serial numbers the certificates of a test run.
var serial int64

// issue makes a party that signer certified; nil is itself.
func issue(t testing.TB, name string, signer *party, ca bool) *party {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return certify(t, name, key, signer, ca)
}

// issueUntil makes a CA of its own whose certificate ends sooner than the others.
func issueUntil(t testing.TB, name string, end time.Time) *party {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return certifyUntil(t, name, key, nil, true, end)
}

// certify is issue for a key that is there already.
func certify(t testing.TB, name string, key crypto.Signer, signer *party, ca bool) *party {
	t.Helper()
	return certifyUntil(t, name, key, signer, ca, time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC))
}

// organization tells CAs, which have none, from others.
func organization(ca bool) []string {
	if ca {
		return nil
	}
	return []string{"Works"}
}

func certifyUntil(t testing.TB, name string, key crypto.Signer, signer *party, ca bool, end time.Time) *party {
	t.Helper()
	serial++
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(serial),
		Subject:               pkix.Name{CommonName: name, Organization: organization(ca)},
		NotBefore:             time.Date(2026, 1, 1, 0, 0, int(serial), 0, time.UTC),
		NotAfter:              end,
		IsCA:                  ca,
		BasicConstraintsValid: true,
	}
	p := &party{key: key, signer: signer}
	parent, parentKey := template, key
	if signer != nil {
		parent, parentKey = signer.cert.X509, signer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	require.NoError(t, err)
	p.cert = keystore.NewCertificate(der)
	return p
}
