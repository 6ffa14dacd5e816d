// Package targettest makes, in memory, the keys, certificates and CRLs that tests of targets need. Only tests import it.
package targettest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/jksfile"
)

// Password is that of the user "alice" in every password file made here.
const Password = "wonderland"

// PKI is a root, an issuing CA below it, and their CRLs.
type PKI struct {
	t               testing.TB
	Root, Issuing   *Entity
	Revoked         *Entity // a client on the issuing CA's CRL
	rootCRL, issCRL []byte
	Server          *Entity
	serial          int64
}

// Entity is a certificate with its key.
type Entity struct {
	Key  *ecdsa.PrivateKey
	Cert *x509.Certificate
}

// New makes a PKI whose server is localhost, 127.0.0.1 and ::1.
func New(t testing.TB) *PKI {
	p := &PKI{t: t}
	ca := func(cn string, parent *Entity) *Entity {
		return p.sign(x509.Certificate{
			Subject: pkix.Name{CommonName: cn}, IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		}, parent)
	}
	p.Root = ca("Test Root", nil)
	p.Issuing = ca("Test Issuing", p.Root)
	p.Server = p.sign(x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost", "mqtt.example.com"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, p.Issuing)
	p.Revoked = p.Client("revoked")
	p.rootCRL = p.crl(p.Root)
	p.issCRL = p.crl(p.Issuing, p.Revoked.Cert.SerialNumber)
	return p
}

// sign makes a key and a certificate for it, signed by parent or by itself.
func (p *PKI) sign(template x509.Certificate, parent *Entity) *Entity {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(p.t, err)
	p.serial++
	template.SerialNumber = big.NewInt(p.serial)
	template.NotBefore = time.Now().Add(-time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(24 * time.Hour)
	}
	issuer, signer := &template, key
	if parent != nil {
		issuer, signer = parent.Cert, parent.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, issuer, key.Public(), signer)
	require.NoError(p.t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(p.t, err)
	return &Entity{key, cert}
}

// Client makes a client's certificate with the name as CN and URI.
func (p *PKI) Client(name string) *Entity {
	return p.sign(x509.Certificate{
		Subject: pkix.Name{CommonName: name, Organization: []string{"Test"}}, URIs: []*url.URL{{Scheme: "urn", Opaque: "mqttpki:client:" + name}},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, p.Issuing)
}

// crl returns the CRL of a CA, in DER.
func (p *PKI) crl(ca *Entity, revoked ...*big.Int) []byte {
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour)}
	for _, serial := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: serial, RevocationTime: time.Now().Add(-time.Minute)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, ca.Cert, ca.Key)
	require.NoError(p.t, err)
	return der
}

// Certificate returns the certificate as the key stores have it.
func (e *Entity) Certificate() keystore.Certificate { return keystore.NewCertificate(e.Cert.Raw) }

// PrivateKey returns the key as the key stores have it.
func (e *Entity) PrivateKey(t testing.TB) *keystore.PrivateKey {
	der, err := x509.MarshalPKCS8PrivateKey(e.Key)
	require.NoError(t, err)
	return &keystore.PrivateKey{PKCS8: der, Signer: e.Key}
}

// Trust returns the PKI as a trusted CA.
func (p *PKI) Trust() targets.TrustMaterial {
	return targets.TrustMaterial{
		Anchors: []keystore.Certificate{p.Root.Certificate()}, Intermediates: []keystore.Certificate{p.Issuing.Certificate()},
		CRLs: [][]byte{p.issCRL, p.rootCRL},
	}
}

// Material returns material for a model: the PKI stands for every CA that the model trusts. Randomness is the same
// every time.
func (p *PKI) Material(m *channels.Deployment) targets.Material {
	var users channels.UserFile
	random := bytes.NewReader(bytes.Repeat([]byte("mqttpki."), 1<<16))
	require.NoError(p.t, users.Set("alice", keystore.Secret(Password), 101, random))
	mat := targets.Material{
		ModelFile: m.YAML(), Users: users.Bytes(), Random: random, Now: time.Now(),
		Server: keystore.Identity{
			Key:   p.Server.PrivateKey(p.t),
			Chain: []keystore.Certificate{p.Server.Certificate(), p.Issuing.Certificate()},
		},
		Codec: func(name string) keystore.Codec {
			if name == "jks" {
				return jksfile.Codec{}
			}
			return nil
		},
	}
	for range m.Trust {
		mat.Trust = append(mat.Trust, p.Trust())
	}
	return mat
}
