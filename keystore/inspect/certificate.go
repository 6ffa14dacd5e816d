package inspect

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"math"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// describeCertificate reports one certificate; now decides the days that are left.
func describeCertificate(c keystore.Certificate, now time.Time) Certificate {
	sum256, sum1 := sha256.Sum256(c.Raw), sha1.Sum(c.Raw)
	d := Certificate{SHA256: hex.EncodeToString(sum256[:]), SHA1: hex.EncodeToString(sum1[:])}
	x := parsed(c)
	if x == nil {
		if o := outlineOf(c.Raw); o != nil {
			o.describe(&d, now)
		}
		return d
	}
	d.Subject, d.Issuer = keystore.DistinguishedName(x.RawSubject), keystore.DistinguishedName(x.RawIssuer)
	d.Serial = x.SerialNumber.Text(16)
	d.valid(x.NotBefore, x.NotAfter, now)
	d.SANs = subjectAltNames(x.DNSNames, x.IPAddresses, x.URIs, x.EmailAddresses)
	d.KeyUsage = keyUsages(x.KeyUsage)
	d.EKU = []string{}
	for _, usage := range x.ExtKeyUsage {
		d.EKU = append(d.EKU, extKeyUsage(usage))
	}
	for _, oid := range x.UnknownExtKeyUsage {
		d.EKU = append(d.EKU, oid.String())
	}
	authority := isCA(x)
	d.IsCA = &authority
	if authority && (x.MaxPathLen > 0 || x.MaxPathLenZero) {
		d.PathLength = &x.MaxPathLen
	}
	d.SubjectKeyID, d.AuthorityKeyID = hex.EncodeToString(x.SubjectKeyId), hex.EncodeToString(x.AuthorityKeyId)
	d.CRLs, d.OCSP = append([]string{}, x.CRLDistributionPoints...), append([]string{}, x.OCSPServer...)
	d.Role = role(x)
	d.SelfSigned = keystore.SelfIssued(x)
	d.Key = describePublic(x.PublicKey, x.RawSubjectPublicKeyInfo)
	d.SignatureAlgorithm = signatureName(x.SignatureAlgorithm, x.Raw)
	return d
}

// valid reports the dates.
func (d *Certificate) valid(from, to, now time.Time) {
	days := daysUntil(to, now)
	d.NotBefore, d.NotAfter, d.DaysLeft = from.UTC(), to.UTC(), &days
}

// role says in a word what the certificate is for. Without extended key usages it may be anything (RFC 5280 section
// 4.2.1.12).
func role(x *x509.Certificate) string {
	if isCA(x) {
		return "ca"
	}
	server := slices.Contains(x.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	client := slices.Contains(x.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	switch {
	case server && client:
		return "server+client"
	case server:
		return "server"
	case client:
		return "client"
	case len(x.ExtKeyUsage)+len(x.UnknownExtKeyUsage) == 0, slices.Contains(x.ExtKeyUsage, x509.ExtKeyUsageAny):
		return "any"
	}
	return "other"
}

// daysUntil counts whole days; what expired an hour ago is -1.
func daysUntil(t, now time.Time) int {
	return int(math.Floor(t.Sub(now).Hours() / 24))
}

// subjectAltNames lists names with their kind in front, so that an address cannot be taken for a host.
func subjectAltNames(dns []string, ips []net.IP, uris []*url.URL, emails []string) []string {
	names := []string{}
	for _, name := range dns {
		names = append(names, "dns:"+name)
	}
	for _, ip := range ips {
		names = append(names, "ip:"+ip.String())
	}
	for _, u := range uris {
		names = append(names, "uri:"+u.String())
	}
	for _, email := range emails {
		names = append(names, "email:"+email)
	}
	return names
}

// describePublic reports a public key; spki is its SubjectPublicKeyInfo, nil to have it encoded.
func describePublic(public any, spki []byte) Key {
	k := Key{}
	switch p := public.(type) {
	case *rsa.PublicKey:
		k.Algorithm, k.Bits = "RSA", p.N.BitLen()
	case *ecdsa.PublicKey:
		k.Algorithm, k.Bits, k.Curve = "EC", p.Curve.Params().BitSize, p.Curve.Params().Name
	case ed25519.PublicKey:
		k.Algorithm, k.Bits = "Ed25519", 256
	case *ecdh.PublicKey:
		k.Algorithm, k.Bits = "X25519", 256
	}
	if spki == nil && public != nil {
		spki, _ = x509.MarshalPKIXPublicKey(public) // what cannot be encoded has no fingerprint
	}
	if spki != nil {
		if k.Algorithm == "" {
			namePublic(&k, spki)
		}
		sum := sha256.Sum256(spki)
		k.PublicSHA256 = hex.EncodeToString(sum[:])
	}
	return k
}

// signatureName names the algorithm that signed what der is; by its OID where Go does not know it.
func signatureName(a x509.SignatureAlgorithm, der []byte) string {
	if a == x509.UnknownSignatureAlgorithm {
		return signatureByOID(der)
	}
	return a.String()
}

// keyUsages spells the bits as RFC 5280 section 4.2.1.3 does, in its order.
func keyUsages(u x509.KeyUsage) []string {
	names := []string{}
	for _, bit := range []struct {
		usage x509.KeyUsage
		name  string
	}{
		{x509.KeyUsageDigitalSignature, "digitalSignature"},
		{x509.KeyUsageContentCommitment, "contentCommitment"},
		{x509.KeyUsageKeyEncipherment, "keyEncipherment"},
		{x509.KeyUsageDataEncipherment, "dataEncipherment"},
		{x509.KeyUsageKeyAgreement, "keyAgreement"},
		{x509.KeyUsageCertSign, "keyCertSign"},
		{x509.KeyUsageCRLSign, "cRLSign"},
		{x509.KeyUsageEncipherOnly, "encipherOnly"},
		{x509.KeyUsageDecipherOnly, "decipherOnly"},
	} {
		if u&bit.usage != 0 {
			names = append(names, bit.name)
		}
	}
	return names
}

// extKeyUsage spells a purpose as RFC 5280 section 4.2.1.12 does; a rarer one, which Go knows, by its OID.
func extKeyUsage(u x509.ExtKeyUsage) string {
	switch u {
	case x509.ExtKeyUsageAny:
		return "anyExtendedKeyUsage"
	case x509.ExtKeyUsageServerAuth:
		return "serverAuth"
	case x509.ExtKeyUsageClientAuth:
		return "clientAuth"
	case x509.ExtKeyUsageCodeSigning:
		return "codeSigning"
	case x509.ExtKeyUsageEmailProtection:
		return "emailProtection"
	case x509.ExtKeyUsageTimeStamping:
		return "timeStamping"
	case x509.ExtKeyUsageOCSPSigning:
		return "OCSPSigning"
	case x509.ExtKeyUsageIPSECEndSystem:
		return "1.3.6.1.5.5.7.3.5"
	case x509.ExtKeyUsageIPSECTunnel:
		return "1.3.6.1.5.5.7.3.6"
	case x509.ExtKeyUsageIPSECUser:
		return "1.3.6.1.5.5.7.3.7"
	case x509.ExtKeyUsageMicrosoftServerGatedCrypto:
		return "1.3.6.1.4.1.311.10.3.3"
	case x509.ExtKeyUsageNetscapeServerGatedCrypto:
		return "2.16.840.1.113730.4.1"
	case x509.ExtKeyUsageMicrosoftCommercialCodeSigning:
		return "1.3.6.1.4.1.311.2.1.22"
	case x509.ExtKeyUsageMicrosoftKernelCodeSigning:
		return "1.3.6.1.4.1.311.61.1.1"
	}
	return "unknown"
}
