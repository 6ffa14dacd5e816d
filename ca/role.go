package ca

import (
	"crypto/x509"
	"fmt"
	"time"
)

// Role is what a certificate is for. It decides key usage, extended key usage, names and validity.
type Role string

// The roles.
const (
	RoleServer  Role = "server"  // a broker's listener: serverAuth
	RoleClient  Role = "client"  // an MQTT client: clientAuth
	RoleBridge  Role = "bridge"  // a broker that also connects to another one as a client: both
	RoleIssuing Role = "issuing" // the intermediate CA that signs the three above
	RoleRoot    Role = "root"    // the CA that others trust
)

// LeafRoles are the roles that certificates are issued under, in the order people expect.
func LeafRoles() []Role { return []Role{RoleServer, RoleClient, RoleBridge} }

// ParseRole returns the leaf role of that name, or ErrPolicy.
func ParseRole(name string) (Role, error) {
	for _, r := range LeafRoles() {
		if name == string(r) {
			return r, nil
		}
	}
	return "", fmt.Errorf("reading role %q: %w", name, policy("a certificate is for a server, a client or a bridge"))
}

// IsCA reports whether certificates of the role sign others.
func (r Role) IsCA() bool { return r == RoleRoot || r == RoleIssuing }

// ConnectsAsClient reports whether a broker would take a certificate of the role for a client's identity. Such names
// share one space: two of them would be one user.
func (r Role) ConnectsAsClient() bool { return r == RoleClient || r == RoleBridge }

// extKeyUsages returns the role's extended key usages: exactly one for servers and clients, both for bridges, none for
// CAs, whose certificates are not meant for TLS at all.
func (r Role) extKeyUsages() []x509.ExtKeyUsage {
	switch r {
	case RoleServer:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	case RoleClient:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case RoleBridge:
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	return nil
}

// day is 24 hours; validities are counted in them, whatever clocks do in between.
const day = 24 * time.Hour

// Default validities. 397 days is the most that Apple's TLS clients took of any server from 2020 on; the CA/Browser
// Forum's baseline requirements 6.3.2 said 398.
const (
	DefaultServerValidity  = 397 * day
	DefaultClientValidity  = 365 * day
	DefaultIssuingValidity = 5 * 365 * day
	DefaultRootValidity    = 10 * 365 * day
	DefaultBackdate        = time.Hour
)

func (r Role) defaultValidity() time.Duration {
	switch r {
	case RoleClient:
		return DefaultClientValidity
	case RoleIssuing:
		return DefaultIssuingValidity
	case RoleRoot:
		return DefaultRootValidity
	}
	return DefaultServerValidity
}
