package ca

import (
	"crypto"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// SettingsSchema is the first line of a pki.yaml that this version reads and writes.
const SettingsSchema = "mqttpki.pki/1"

// Settings are what a PKI's owner decided once, for all that is issued. The zero value is usable.
type Settings struct {
	Profiles       map[Role]Profile // by leaf role; a missing one, and every zero field, means the default
	CRLValidity    time.Duration    // of the issuing CA's CRL; 0: 30 days
	RootValidity   time.Duration    // of the root's CRL; 0: a year. A root that issues itself goes by CRLValidity
	RenewBefore    time.Duration    // when `status` calls a certificate due; 0: 30 days
	CRLRenewBefore time.Duration    // when `status` calls a CRL due; 0: 7 days
}

// Default lifetimes of CRLs, and how early their end is announced.
const (
	DefaultCRLValidity     = 30 * day
	DefaultRootCRLValidity = 365 * day
	DefaultRenewBefore     = 30 * day
	DefaultCRLRenewBefore  = 7 * day
)

// WithDefaults fills in every zero field.
func (s Settings) WithDefaults() Settings {
	s.CRLValidity = orDuration(s.CRLValidity, DefaultCRLValidity)
	s.RootValidity = orDuration(s.RootValidity, DefaultRootCRLValidity)
	s.RenewBefore = orDuration(s.RenewBefore, DefaultRenewBefore)
	s.CRLRenewBefore = orDuration(s.CRLRenewBefore, DefaultCRLRenewBefore)
	return s
}

// Profile returns the settings of a role.
func (s Settings) Profile(r Role) Profile { return s.Profiles[r] }

func orDuration(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// Profile is how certificates of one role are made. The zero value follows the role's defaults.
type Profile struct {
	KeyType    KeyType       // of new keys; "" is ECDSAP256
	Validity   time.Duration // 0: 397 days for servers and bridges, 365 for clients; cut to the issuer's
	Backdate   time.Duration // how far notBefore lies before now, to 24 h; 0: an hour, negative: not at all
	Subject    keystore.Name // encoded before the common name: country, organization, ...
	CRLURLs    []string      // where the issuer's CRL is to be had (http, RFC 5280 section 4.2.1.13)
	IssuerURLs []string      // where the issuer's certificate is to be had (section 4.2.2.1)
}

// maxBackdate is as much as devices with slow clocks may be helped.
const maxBackdate = 24 * time.Hour

func (p Profile) backdate() (time.Duration, error) {
	switch {
	case p.Backdate == 0:
		return DefaultBackdate, nil
	case p.Backdate < 0:
		return 0, nil
	case p.Backdate > maxBackdate:
		return 0, policy("notBefore may lie at most %v before now", maxBackdate)
	}
	return p.Backdate, nil
}

// Request is one certificate that somebody wants.
type Request struct {
	Role      Role             // a leaf role
	Name      string           // the identity: its common name, and an alternative name
	SANs      []SAN            // nil: guessed from Name for servers; added to the name's own for clients and bridges
	PublicKey crypto.PublicKey // to be certified
	Validity  time.Duration    // 0: the profile's, cut to the issuer's; another one is kept or refused
	Subject   keystore.Name    // the whole subject instead of profile's and Name's; a client's must have Name as its only CN
	AllowName bool             // any client name that a certificate can carry, see CheckClientName

	// NotBefore and NotAfter, for the certificates a probe is to be refused with: any validity at all, even past.
	// Both are set or neither.
	NotBefore, NotAfter time.Time
}
