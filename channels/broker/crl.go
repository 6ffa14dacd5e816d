package broker

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// Bounds of CRL files: a million revoked certificates are about 40 MB.
const (
	maxCRLBytes    = 128 << 20
	maxCRLsPerFile = 64
)

// Extensions of a CRL that limit what it says, RFC 5280 section 5.2.
var (
	oidDeltaCRLIndicator        = asn1.ObjectIdentifier{2, 5, 29, 27}
	oidIssuingDistributionPoint = asn1.ObjectIdentifier{2, 5, 29, 28}
)

// crl is one revocation list, reduced to what a handshake asks.
type crl struct {
	file       string // where it came from, for messages
	issuer     string // DER of the issuer's name
	thisUpdate time.Time
	nextUpdate time.Time
	number     *big.Int
	serials    map[string]struct{} // big-endian bytes; a map costs a handshake under a microsecond at any size
	onlyUsers  bool                // says nothing of CA certificates
	onlyCAs    bool                // says nothing of leaves

	// A partner's intermediate may come only with a client's handshake, so a signature can be checked as late as then.
	mu      sync.Mutex
	list    *x509.RevocationList // without its entries
	signers map[string]bool      // by the issuer's certificate: whether it signed this list
}

// issuingDistributionPoint is RFC 5280 section 5.2.5.
type issuingDistributionPoint struct {
	Name          asn1.RawValue  `asn1:"optional,tag:0"`
	OnlyUsers     bool           `asn1:"optional,tag:1"`
	OnlyCAs       bool           `asn1:"optional,tag:2"`
	OnlyReasons   asn1.BitString `asn1:"optional,tag:3"`
	Indirect      bool           `asn1:"optional,tag:4"`
	OnlyAttribute bool           `asn1:"optional,tag:5"`
}

// parseCRLs reads all lists of a file. Lists that do not speak for all reasons of one issuer are refused: to take them
// for complete would let a revoked client in.
func parseCRLs(file CRLFile) ([]*crl, error) {
	if len(file.Data) > maxCRLBytes {
		return nil, fmt.Errorf("reading CRL %q: %d bytes, %d allowed: %w", file.Name, len(file.Data), maxCRLBytes, keystore.ErrTooLarge)
	}
	var ders [][]byte
	if rest := file.Data; bytes.Contains(rest, []byte("-----BEGIN")) {
		for {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			if block.Type == "X509 CRL" {
				ders = append(ders, block.Bytes)
			}
		}
	} else {
		ders = append(ders, rest)
	}
	if len(ders) == 0 || len(ders) > maxCRLsPerFile {
		return nil, fmt.Errorf("reading CRL %q: %d lists, 1 to %d expected: %w", file.Name, len(ders), maxCRLsPerFile, keystore.ErrFormat)
	}
	var lists []*crl
	for _, der := range ders {
		list, err := parseCRL(file.Name, der)
		if err != nil {
			return nil, fmt.Errorf("reading CRL %q: %w", file.Name, err)
		}
		lists = append(lists, list)
	}
	return lists, nil
}

func parseCRL(name string, der []byte) (*crl, error) {
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", keystore.ErrFormat, err)
	}
	if list.NextUpdate.IsZero() {
		return nil, fmt.Errorf("no date of the next update, so nobody can tell when it is stale: %w", keystore.ErrFormat)
	}
	c := &crl{file: name, issuer: string(list.RawIssuer), thisUpdate: list.ThisUpdate, nextUpdate: list.NextUpdate,
		number: list.Number, serials: make(map[string]struct{}, len(list.RevokedCertificateEntries)), signers: map[string]bool{}}
	for _, ext := range list.Extensions {
		switch {
		case ext.Id.Equal(oidDeltaCRLIndicator):
			return nil, fmt.Errorf("a delta CRL, and complete ones are wanted (%s): %w", ext.Id, keystore.ErrUnsupported)
		case ext.Id.Equal(oidIssuingDistributionPoint):
			var idp issuingDistributionPoint
			if rest, err := asn1.Unmarshal(ext.Value, &idp); err != nil || len(rest) > 0 {
				return nil, fmt.Errorf("malformed issuing distribution point: %w", keystore.ErrFormat)
			}
			if idp.Indirect || idp.OnlyAttribute || idp.OnlyReasons.BitLength > 0 {
				return nil, fmt.Errorf("an indirect CRL, or one for some reasons only (%s): %w", ext.Id, keystore.ErrUnsupported)
			}
			c.onlyUsers, c.onlyCAs = idp.OnlyUsers, idp.OnlyCAs
		case ext.Critical:
			return nil, fmt.Errorf("unknown critical extension %s: %w", ext.Id, keystore.ErrUnsupported)
		}
	}
	for i := range list.RevokedCertificateEntries {
		c.serials[string(list.RevokedCertificateEntries[i].SerialNumber.Bytes())] = struct{}{}
	}
	list.RevokedCertificateEntries = nil
	//lint:ignore SA1019 the parser fills the old field too, and it is most of the memory
	list.RevokedCertificates = nil
	c.list = list
	return c, nil
}

// signedBy reports whether issuer signed the list. Each answer is computed once.
func (c *crl) signedBy(issuer *x509.Certificate) bool {
	if c.issuer != string(issuer.RawSubject) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := string(issuer.RawSubjectPublicKeyInfo)
	signed, known := c.signers[key]
	if !known {
		signed = c.list.CheckSignatureFrom(issuer) == nil
		if len(c.signers) < maxCRLsPerFile { // the certificates come from the network
			c.signers[key] = signed
		}
	}
	return signed
}

// covers reports whether the list speaks for certificates of cert's kind.
func (c *crl) covers(cert *x509.Certificate) bool {
	return !(cert.IsCA && c.onlyUsers) && !(!cert.IsCA && c.onlyCAs)
}

// newer reports whether c replaces other, a list of the same issuer.
func (c *crl) newer(other *crl) bool {
	if c.number != nil && other.number != nil {
		return c.number.Cmp(other.number) > 0
	}
	return c.thisUpdate.After(other.thisUpdate)
}

// crlSet finds the list that decides about a certificate.
type crlSet map[string][]*crl // by issuer name

func (s crlSet) add(c *crl) { s[c.issuer] = append(s[c.issuer], c) }

// find returns the newest list that issuer signed and that covers cert, nil when there is none.
func (s crlSet) find(cert, issuer *x509.Certificate) *crl {
	var best *crl
	for _, c := range s[string(issuer.RawSubject)] {
		if c.covers(cert) && (best == nil || c.newer(best)) && c.signedBy(issuer) {
			best = c
		}
	}
	return best
}

// latest returns the newest list that issuer signed, nil when there is none. With leaves it must speak for these.
func (s crlSet) latest(issuer *x509.Certificate, leaves bool) *crl {
	var best *crl
	for _, c := range s[string(issuer.RawSubject)] {
		if !(leaves && c.onlyCAs) && (best == nil || c.newer(best)) && c.signedBy(issuer) {
			best = c
		}
	}
	return best
}

// check says why cert, which issuer signed, may not be used. Without a list for it, a leaf is refused (its revocation
// was asked for) and an intermediate passes: a partner's root seldom publishes what one can check offline.
func (s crlSet) check(cert, issuer *x509.Certificate, isLeaf bool, now time.Time) *refusal {
	list := s.find(cert, issuer)
	switch {
	case list == nil && !isLeaf:
		return nil
	case list == nil:
		return refuse(causeNoCRL, "there is no CRL of its issuer %q", printName(issuer.RawSubject))
	case now.After(list.nextUpdate):
		return refuse(causeStaleCRL, "the CRL %q is stale since %s: nobody is let in until it is renewed", list.file, list.nextUpdate.UTC().Format(time.RFC3339))
	case now.Before(list.thisUpdate.Add(-clockSkew)):
		return refuse(causeStaleCRL, "the CRL %q is not valid before %s: is the clock right?", list.file, list.thisUpdate.UTC().Format(time.RFC3339))
	}
	if _, revoked := list.serials[string(cert.SerialNumber.Bytes())]; revoked {
		return refuse(causeRevoked, "the certificate %s of %q is revoked (%s)", serialText(cert), printName(cert.RawSubject), list.file)
	}
	return nil
}

// clockSkew is how far two honest clocks may differ.
const clockSkew = 5 * time.Minute
