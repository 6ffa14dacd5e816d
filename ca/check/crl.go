package check

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"time"
)

// reasonRemove takes an entry off a delta CRL; nobody is revoked by it (RFC 5280 section 5.3.1).
const reasonRemove = 8

// Extensions of CRLs that may be critical and are understood: the key identifier of its issuer and its number.
// A list limited to some certificates or reasons (issuingDistributionPoint) or a delta is not.
var knownCRLExtensions = []asn1.ObjectIdentifier{{2, 5, 29, 35}, {2, 5, 29, 20}}

// checkRevocation looks up each certificate below the anchor on the CRLs of its issuer. The leaf's issuer must have
// one; a CA above it is looked up where there is one, as brokers do that are given a single CRL file.
func checkRevocation(path []*x509.Certificate, o Options) error {
	for i := 0; i+1 < len(path); i++ {
		found, refusal := lookUp(path[i], path[i+1], o)
		if refusal != nil {
			return refusal
		}
		if !found && i == 0 {
			return refuse(CRLMissing, path[0], "no CRL of its issuer %s is given", subject(path[1]))
		}
	}
	return nil
}

// lookUp checks one certificate against all CRLs of its issuer. Any good list that has it on it revokes it; a bad list
// counts only where there is no good one.
func lookUp(c, issuer *x509.Certificate, o Options) (found bool, bad error) {
	for _, list := range o.CRLs {
		if !bytes.Equal(list.RawIssuer, issuer.RawSubject) {
			continue
		}
		if refusal := checkList(list, issuer, o.At); refusal != nil {
			bad = refusal
			continue
		}
		found = true
		for _, e := range list.RevokedCertificateEntries {
			if e.SerialNumber.Cmp(c.SerialNumber) == 0 && e.ReasonCode != reasonRemove {
				return true, refuse(Revoked, c, "it was revoked on %s", e.RevocationTime.UTC().Format(time.RFC3339))
			}
		}
	}
	if found {
		bad = nil
	}
	return found, bad
}

// checkList checks one CRL by itself.
func checkList(list *x509.RevocationList, issuer *x509.Certificate, at time.Time) error {
	if err := list.CheckSignatureFrom(issuer); err != nil {
		return refuse(CRLBad, issuer, "its CRL has a signature that is not its own: %v", err)
	}
	for _, ext := range list.Extensions {
		if ext.Critical && !knows(ext.Id) {
			return refuse(CRLBad, issuer, "its CRL has the critical extension %v, which is not understood here", ext.Id)
		}
	}
	switch {
	case at.Before(list.ThisUpdate):
		return refuse(CRLNotYetValid, issuer, "its CRL is valid from %s on", list.ThisUpdate.UTC().Format(time.RFC3339))
	case !list.NextUpdate.IsZero() && at.After(list.NextUpdate):
		return refuse(CRLExpired, issuer, "its CRL expired on %s", list.NextUpdate.UTC().Format(time.RFC3339))
	}
	return nil
}

func knows(id asn1.ObjectIdentifier) bool {
	for _, known := range knownCRLExtensions {
		if id.Equal(known) {
			return true
		}
	}
	return false
}
