package ca_test

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"testing"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/keystore"
)

// FuzzPrepare: whatever somebody wants to be called, the answer is ErrPolicy, or a certificate that verifies and whose one
// CN is the name.
func FuzzPrepare(f *testing.F) {
	f.Add("sensor-17", "", uint8(0))
	f.Add("../../etc/passwd", "dns:a.example", uint8(1))
	f.Add("Z\u00e4hler 1", "10.0.0.1", uint8(1))
	f.Add("*.example.com", "uri:urn:a:b", uint8(2))
	f.Add("::1", "a@b.example", uint8(2))
	f.Fuzz(func(t *testing.T, name, san string, which uint8) {
		a, key := memoryCA(t, nil), keyOf(t, ca.ECDSAP256)
		req := ca.Request{Role: ca.LeafRoles()[which%3], Name: name, AllowName: which%2 == 1, PublicKey: key.Signer.Public()}
		if san != "" {
			parsed, err := ca.ParseSAN(san)
			if err != nil {
				return
			}
			req.SANs = []ca.SAN{parsed}
		}
		p, err := a.Prepare(ca.Profile{}, req)
		if err != nil {
			if !errors.Is(err, ca.ErrPolicy) {
				t.Fatal(err)
			}
			return
		}
		serial, err := ca.NewSerial(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := a.Sign(p, serial)
		if err != nil {
			t.Fatal(err)
		}
		subject, err := keystore.ParseName(cert.RawSubject)
		if err != nil {
			t.Fatal(err)
		}
		if cns := subject.Values(keystore.OIDCommonName); req.Role.ConnectsAsClient() && (len(cns) != 1 || cns[0] != name) {
			t.Fatalf("%q became %q", name, cns)
		}
		roots := x509.NewCertPool()
		roots.AddCert(a.Certificate())
		if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: noon, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
			t.Fatal(err)
		}
	})
}
