package ca_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
)

func client(name string) ca.Order {
	return ca.Order{Request: ca.Request{Role: ca.RoleClient, Name: name}}
}

// TestNamesInTheWay: which live names keep another from being issued.
func TestNamesInTheWay(t *testing.T) {
	h, a := newHome(t, ca.InitRequest{}, at(noon))
	_, err := h.Issue(t.Context(), a, client("alpha"))
	require.NoError(t, err)
	for _, tc := range []struct {
		name  string
		order ca.Order
		want  error
	}{
		{"the same client", client("alpha"), keystore.ErrExists},
		{"another case", client("ALPHA"), keystore.ErrExists},
		{"a bridge would be the same user", ca.Order{Request: ca.Request{Role: ca.RoleBridge, Name: "alpha"}}, keystore.ErrExists},
		{"a server is something else", ca.Order{Request: ca.Request{Role: ca.RoleServer, Name: "alpha"}}, nil},
		{"another case, though replacing", ca.Order{Request: ca.Request{Role: ca.RoleClient, Name: "Alpha"}, Replace: true}, keystore.ErrExists},
		{"replacing", ca.Order{Request: ca.Request{Role: ca.RoleClient, Name: "alpha"}, Replace: true}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := h.Issue(t.Context(), a, tc.order)
			if tc.want == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, tc.want)
			}
		})
	}
}

// TestDeadNameWithFiles: an expired name is free, but its key file is not overwritten unasked.
func TestDeadNameWithFiles(t *testing.T) {
	now := noon
	h, a := newHome(t, ca.InitRequest{}, func() time.Time { return now })
	_, err := h.Issue(t.Context(), a, client("alpha"))
	require.NoError(t, err)
	old, err := os.ReadFile(h.Path(ca.FilesOf(ca.RoleClient, "alpha").Key))
	require.NoError(t, err)
	now = noon.Add(400 * day)
	_, err = h.Issue(t.Context(), a, client("alpha"))
	require.ErrorIs(t, err, keystore.ErrExists)
	order := client("alpha")
	order.Replace = true
	p, err := h.Issue(t.Context(), a, order)
	require.NoError(t, err)
	require.Len(t, p.Backups, 1)
	kept, err := os.ReadFile(p.Backups[0].Path)
	require.NoError(t, err)
	assert.Equal(t, old, kept)
}

func TestBuild(t *testing.T) {
	h, a := newHome(t, ca.InitRequest{}, at(noon))
	order := client("alpha")
	order.Build = func(p *ca.Product) ([]keystore.Artifact, error) {
		assert.Equal(t, "alpha", p.Identity.Alias)
		assert.Len(t, p.Identity.Chain, 2)
		require.Len(t, p.Anchors, 1)
		assert.Equal(t, h.Root().Raw, p.Anchors[0].Certificate.Raw)
		return []keystore.Artifact{{Path: ca.FilesOf(p.Role, p.Name).P12, Mode: 0o600, Secret: true, Data: []byte("p12")}}, nil
	}
	p, err := h.Issue(t.Context(), a, order)
	require.NoError(t, err)
	assert.Equal(t, []string{"client/alpha/alpha.p12", "client/alpha/alpha.crt"}, p.Files, "the certificate is always written")
	for name, build := range map[string]ca.Build{
		"an error":            func(*ca.Product) ([]keystore.Artifact, error) { return nil, keystore.ErrUnsupported },
		"a path that escapes": func(*ca.Product) ([]keystore.Artifact, error) { return []keystore.Artifact{{Path: "../x"}}, nil },
		"a file twice": func(*ca.Product) ([]keystore.Artifact, error) {
			return []keystore.Artifact{{Path: "x"}, {Path: "x"}}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			order := client("beta")
			order.Build = build
			_, err := h.Issue(t.Context(), a, order)
			require.Error(t, err)
			require.NoDirExists(t, h.Path("client/beta"))
			found, err := h.Inventory().Find(t.Context(), "beta")
			require.NoError(t, err)
			assert.Equal(t, inventory.Abandoned, found[len(found)-1].State)
		})
	}
}

func TestRenewal(t *testing.T) {
	now := noon
	h, a := newHome(t, ca.InitRequest{}, func() time.Time { return now })
	sans := []ca.SAN{{Kind: ca.SANDNS, Value: "mqtt.example.com"}, {Kind: ca.SANIP, Value: "10.0.0.1"}}
	subject, err := ca.ParseDN("CN=mqtt.example.com, O=Plant")
	require.NoError(t, err)
	first, err := h.Issue(t.Context(), a, ca.Order{
		Request: ca.Request{Role: ca.RoleServer, Name: "mqtt", SANs: sans, Subject: subject}, Key: keyOf(t, ca.RSA2048),
	})
	require.NoError(t, err)
	now = noon.Add(300 * day)

	order, old, err := h.Renewal(t.Context(), "mqtt")
	require.NoError(t, err)
	assert.Equal(t, first.Certificate().Raw, old.Raw)
	assert.Equal(t, ca.RSA2048, order.KeyType)
	order.KeyType = ca.ECDSAP256
	second, err := h.Issue(t.Context(), a, order)
	require.NoError(t, err)
	assert.Equal(t, first.Certificate().RawSubject, second.Certificate().RawSubject)
	assert.Equal(t, sans, ca.CertificateSANs(second.Certificate()))
	assert.Len(t, second.Backups, 1, "the old key")
	assert.Equal(t, now.Add(397*day), second.Certificate().NotAfter)
	found, err := h.Inventory().Find(t.Context(), "mqtt")
	require.NoError(t, err)
	assert.Equal(t, inventory.Superseded, found[0].State)
	assert.Equal(t, inventory.Issued, found[1].State)

	order, old, err = h.Renewal(t.Context(), "mqtt")
	require.NoError(t, err)
	order.PublicKey = old.PublicKey // the key is elsewhere
	third, err := h.Issue(t.Context(), a, order)
	require.NoError(t, err)
	assert.Equal(t, second.Certificate().PublicKey, third.Certificate().PublicKey)
	require.FileExists(t, h.Path(ca.FilesOf(ca.RoleServer, "mqtt").Key), "a key that was not replaced stays")

	now = now.Add(400 * day)
	_, _, err = h.Renewal(t.Context(), "mqtt")
	require.NoError(t, err, "an expired one is renewed too")
	_, _, err = h.Renewal(t.Context(), "nobody")
	require.ErrorIs(t, err, ca.ErrNotFound)
	now = noon.Add(301 * day)
	_, err = h.Revoke(t.Context(), []string{"mqtt"}, 1)
	require.NoError(t, err)
	_, _, err = h.Renewal(t.Context(), "mqtt")
	require.ErrorIs(t, err, ca.ErrPolicy)
}

func TestRevoke(t *testing.T) {
	h, a := newHome(t, ca.InitRequest{}, at(noon))
	for _, role := range []ca.Role{ca.RoleClient, ca.RoleServer} {
		_, err := h.Issue(t.Context(), a, ca.Order{Request: ca.Request{Role: role, Name: "both"}})
		require.NoError(t, err)
	}
	p, err := h.Issue(t.Context(), a, client("alpha"))
	require.NoError(t, err)
	order, _, err := h.Renewal(t.Context(), "alpha")
	require.NoError(t, err)
	_, err = h.Issue(t.Context(), a, order)
	require.NoError(t, err)

	_, err = h.Revoke(t.Context(), []string{"alpha", "nobody"}, 1)
	require.ErrorIs(t, err, ca.ErrNotFound)
	_, err = h.Revoke(t.Context(), []string{"both"}, 1)
	require.ErrorIs(t, err, inventory.ErrAmbiguous)
	_, err = h.Revoke(t.Context(), []string{h.Issuer().Subject.CommonName}, 1)
	require.ErrorIs(t, err, ca.ErrPolicy)
	e, _, err := h.Lookup(t.Context(), "alpha")
	require.NoError(t, err)
	assert.Equal(t, inventory.Issued, e.State, "all or none")

	revoked, err := h.Revoke(t.Context(), []string{"alpha"}, 1)
	require.NoError(t, err)
	assert.Len(t, revoked, 2, "the superseded one is still valid")
	assert.Equal(t, p.Certificate().SerialNumber.Text(16), revoked[0].Serial)
	_, err = h.Revoke(t.Context(), []string{"alpha"}, 1)
	require.ErrorIs(t, err, ca.ErrNotFound)
	_, err = h.Issue(t.Context(), a, client("alpha"))
	require.ErrorIs(t, err, keystore.ErrExists, "the files are there")
	order = client("alpha")
	order.Replace = true
	_, err = h.Issue(t.Context(), a, order)
	require.NoError(t, err, "a revoked name can be issued anew")
	crl, err := h.SignCRL(t.Context(), a)
	require.NoError(t, err)
	assert.Equal(t, 3, crl.Entries)
}

func TestMint(t *testing.T) {
	h, a := newHome(t, ca.InitRequest{}, at(noon))
	for range 2 { // one name twice
		id, err := h.Mint(t.Context(), a, ca.Request{Role: ca.RoleClient, Name: "probe-1", Validity: 5 * time.Minute})
		require.NoError(t, err)
		assert.Equal(t, noon.Add(5*time.Minute), id.Leaf().X509.NotAfter)
		matches, known := id.Key.Matches(*id.Leaf())
		assert.True(t, matches && known)
		e, _, err := h.Lookup(t.Context(), id.Leaf().X509.SerialNumber.Text(16))
		require.NoError(t, err)
		assert.Equal(t, inventory.Issued, e.State)
		assert.Empty(t, e.Files)
	}
	expired, err := h.Mint(t.Context(), a, ca.Request{Role: ca.RoleClient, Name: "probe-2", NotBefore: noon.Add(-2 * day), NotAfter: noon.Add(-day)})
	require.NoError(t, err)
	assert.True(t, expired.Leaf().X509.NotAfter.Before(noon))
	require.NoDirExists(t, h.Path("client"))
}

func csr(t *testing.T, template *x509.CertificateRequest, key *keystore.PrivateKey) *x509.CertificateRequest {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key.Signer)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificateRequest(der)
	require.NoError(t, err)
	return parsed
}

func TestSignCSR(t *testing.T) {
	h, a := newHome(t, ca.InitRequest{}, at(noon))
	request := csr(t, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "admin"}, DNSNames: []string{"mqtt.example.com", "evil.example.com"},
	}, keyOf(t, ca.RSA2048))

	req, notices, err := ca.FromCSR(request, ca.RequestTerms{Role: ca.RoleServer, Name: "mqtt.example.com"})
	require.NoError(t, err)
	require.Len(t, notices, 2)
	assert.Contains(t, notices[0].Text, "dns:evil.example.com")
	assert.Contains(t, notices[1].Text, "admin")
	p, err := h.Issue(t.Context(), a, ca.Order{Request: req})
	require.NoError(t, err)
	assert.Equal(t, "CN=mqtt.example.com", keystore.DistinguishedName(p.Certificate().RawSubject))
	assert.Equal(t, []string{"mqtt.example.com"}, p.Certificate().DNSNames)
	assert.Nil(t, p.Identity.Key)
	require.NoFileExists(t, h.Path(ca.FilesOf(ca.RoleServer, "mqtt.example.com").Key))

	req, _, err = ca.FromCSR(request, ca.RequestTerms{Role: ca.RoleServer, Name: "other.example.com", TakeSANs: true})
	require.NoError(t, err)
	p, err = h.Issue(t.Context(), a, ca.Order{Request: req})
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"other.example.com", "mqtt.example.com", "evil.example.com"}, p.Certificate().DNSNames)

	broken := *request
	broken.Signature = append([]byte{}, request.Signature...)
	broken.Signature[10] ^= 1
	_, _, err = ca.FromCSR(&broken, ca.RequestTerms{Role: ca.RoleClient, Name: "a"})
	require.ErrorIs(t, err, ca.ErrPolicy)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	weakKey, err := ca.NewPrivateKey(weak)
	require.NoError(t, err)
	_, _, err = ca.FromCSR(csr(t, &x509.CertificateRequest{}, weakKey), ca.RequestTerms{Role: ca.RoleClient, Name: "a"})
	require.ErrorIs(t, err, ca.ErrPolicy)

	// What cannot be checked is not called forged.
	forgeable, unknown := *request, *request
	forgeable.SignatureAlgorithm, unknown.SignatureAlgorithm = x509.MD5WithRSA, x509.UnknownSignatureAlgorithm
	_, _, err = ca.FromCSR(&forgeable, ca.RequestTerms{Role: ca.RoleClient, Name: "a"})
	require.ErrorIs(t, err, ca.ErrPolicy)
	assert.ErrorContains(t, err, "it is signed with MD5-RSA, which can be forged")
	_, _, err = ca.FromCSR(&unknown, ca.RequestTerms{Role: ca.RoleClient, Name: "a"})
	require.ErrorIs(t, err, keystore.ErrUnsupported)
}

// TestExternalCA: a request goes out, the reply comes back in every shape.
func TestExternalCA(t *testing.T) {
	key := keyOf(t, ca.ECDSAP384)
	der, _, err := ca.NewCSR(ca.Request{Role: ca.RoleServer, Name: "mqtt.example.com"}, key, rand.Reader)
	require.NoError(t, err)
	request, err := x509.ParseCertificateRequest(der)
	require.NoError(t, err)
	require.NoError(t, request.CheckSignature())
	assert.Equal(t, []string{"mqtt.example.com"}, request.DNSNames)

	h, a := newHome(t, ca.InitRequest{}, at(noon))
	req, _, err := ca.FromCSR(request, ca.RequestTerms{Role: ca.RoleServer, Name: "mqtt.example.com"})
	require.NoError(t, err)
	p, err := h.Issue(t.Context(), a, ca.Order{Request: req})
	require.NoError(t, err)
	leaf, issuing, root := p.Identity.Chain[0], p.Identity.Chain[1], keystore.NewCertificate(h.Root().Raw)
	stray, err := a.Identity(ca.Request{Role: ca.RoleClient, Name: "stray"})
	require.NoError(t, err)
	own, _, err := ca.SelfSign(ca.Profile{}, ca.Request{Role: ca.RoleServer, Name: "mqtt.example.com"}, key, noon.Add(time.Hour), rand.Reader)
	require.NoError(t, err)
	placeholder := keystore.NewCertificate(own.Raw)
	odd := keystore.NewCertificate(bytes.ReplaceAll(issuing.Raw, []byte("\xCE\x3D\x03\x01\x07"), []byte("\xCE\x3D\x03\x01\x05"))) // not P-256
	require.True(t, odd.X509 == nil)
	for _, tc := range []struct {
		name   string
		certs  []keystore.Certificate
		chain  int
		root   bool
		notice []string
		fails  bool
	}{
		{"the leaf alone", []keystore.Certificate{leaf}, 1, false, []string{"reply-without-root"}, false},
		{"a bundle in order", []keystore.Certificate{leaf, issuing, root}, 2, true, nil, false},
		{"backwards", []keystore.Certificate{root, issuing, leaf}, 2, true, nil, false},
		{"with a stray one", []keystore.Certificate{*stray.Leaf(), issuing, leaf}, 2, false, []string{"reply-without-root", "reply-unused"}, false},
		{"beside keytool's placeholder", []keystore.Certificate{placeholder, issuing, leaf}, 2, false, []string{"reply-without-root", "reply-unused"}, false},
		{"only the placeholder", []keystore.Certificate{placeholder}, 1, false, []string{"reply-self-signed"}, false},
		{"below what cannot be parsed", []keystore.Certificate{leaf, odd}, 1, false, []string{"reply-without-root", "reply-unused"}, false},
		{"for another key", []keystore.Certificate{*stray.Leaf(), issuing, root}, 0, false, nil, true},
		{"nothing", nil, 0, false, nil, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			reply, err := ca.MatchReply(key.Signer.Public(), tc.certs, noon)
			if tc.fails {
				require.ErrorIs(t, err, ca.ErrPolicy)
				return
			}
			require.NoError(t, err)
			assert.Len(t, reply.Chain, tc.chain)
			assert.Equal(t, tc.root, reply.Root != nil)
			var codes []string
			for _, n := range reply.Notices {
				codes = append(codes, n.Code)
			}
			assert.Equal(t, tc.notice, codes)
		})
	}

	for _, tc := range []struct {
		name   string
		certs  []keystore.Certificate
		anchor keystore.Certificate
		notice []string
		fails  bool
	}{
		{"the root", []keystore.Certificate{leaf, issuing}, root, nil, false},
		{"the root, an intermediate missing", []keystore.Certificate{leaf}, root, []string{"reply-without-root", "reply-other-ca"}, false},
		{"the leaf itself", []keystore.Certificate{leaf, issuing, root}, leaf, nil, true},
		{"somebody's leaf", []keystore.Certificate{leaf, issuing, root}, *stray.Leaf(), nil, true},
	} {
		t.Run("trusting "+tc.name, func(t *testing.T) {
			reply, err := ca.MatchReply(key.Signer.Public(), tc.certs, noon)
			require.NoError(t, err)
			err = reply.CheckAnchors([]keystore.Anchor{{Certificate: tc.anchor}})
			if tc.fails {
				require.ErrorIs(t, err, ca.ErrPolicy)
				return
			}
			require.NoError(t, err)
			var codes []string
			for _, n := range reply.Notices {
				codes = append(codes, n.Code)
			}
			assert.Equal(t, tc.notice, codes)
		})
	}
}

func TestSelfSign(t *testing.T) {
	for _, role := range ca.LeafRoles() {
		cert, notices, err := ca.SelfSign(ca.Profile{Validity: 5000 * day}, ca.Request{Role: role, Name: "mqttserver.example.com"},
			keyOf(t, ca.RSA2048), noon, rand.Reader)
		require.NoError(t, err)
		assert.Empty(t, notices)
		assert.Equal(t, noon.Add(5000*day), cert.NotAfter)
		assert.Equal(t, cert.SubjectKeyId, cert.AuthorityKeyId)
		roots := x509.NewCertPool()
		roots.AddCert(cert)
		_, err = cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: noon, DNSName: "mqttserver.example.com", KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		require.NoError(t, err)
	}
	_, _, err := ca.SelfSign(ca.Profile{}, ca.Request{Role: ca.RoleRoot, Name: "x"}, keyOf(t, ca.RSA2048), noon, rand.Reader)
	require.True(t, errors.Is(err, ca.ErrPolicy))
}
