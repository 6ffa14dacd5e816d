package ca

import (
	"path"

	"github.com/mqttpki/mqttpki/keystore"
)

// Paths within a PKI's folder, with forward slashes.
const (
	SettingsPath    = "pki.yaml"
	InventoryPath   = "inventory.db"
	ChannelsPath    = "channels.yaml"
	UsersPath       = "users.passwd"
	RootCertPath    = "ca/root.crt"
	RootKeyPath     = "ca/root.key"
	RootCRLPath     = "ca/root.crl"
	IssuingCertPath = "ca/issuing.crt"
	IssuingKeyPath  = "ca/issuing.key"
	IssuingCRLPath  = "ca/issuing.crl"
	TrustPath       = "ca/ca.crt" // what a client or server must trust
	ProbePath       = "probe"     // the identity that stands on the first CRL

	lockPath    = ".lock"
	journalPath = ".journal"
)

// Modes of files.
const (
	modePrivate = 0o600
	modePublic  = 0o644
)

// Files are the paths of one identity's files. Which of them are there depends on the formats that were asked for; the
// certificate always is.
type Files struct {
	Dir      string // server/NAME, client/NAME or bridge/NAME
	Cert     string // the leaf, PEM
	Key      string // its key, PEM
	Chain    string // leaf, then intermediates: what a TLS server sends
	CA       string // what this side trusts
	P12      string // key and chain
	JKS      string // key and chain
	TrustP12 string // what this side trusts
	TrustJKS string // what this side trusts
	Pass     string // the password of the stores, when it was made up
	CSR      string // the request, on the way to an external CA
}

// FilesOf returns the paths of an identity. A name that is no safe file name is written percent-encoded, see
// [FileName].
func FilesOf(role Role, name string) Files {
	return filesIn(path.Join(string(role), FileName(name)), FileName(name))
}

// ProbeFiles are the paths of the revoked probe identity.
func ProbeFiles() Files { return filesIn(ProbePath, "revoked") }

func filesIn(dir, base string) Files {
	file := func(ending string) string { return path.Join(dir, base+ending) }
	return Files{
		Dir: dir, Cert: file(".crt"), Key: file(".key"), Chain: file("-chain.crt"), CA: path.Join(dir, "ca.crt"),
		P12: file(".p12"), JKS: file(".jks"), TrustP12: path.Join(dir, "truststore.p12"),
		TrustJKS: path.Join(dir, "truststore.jks"), Pass: file(".pass"), CSR: file(".csr"),
	}
}

func publicFile(path string, data []byte, note string) keystore.Artifact {
	return keystore.Artifact{Path: path, Mode: modePublic, Data: data, Note: note}
}

func privateFile(path string, data []byte, note string) keystore.Artifact {
	return keystore.Artifact{Path: path, Mode: modePrivate, Secret: true, Data: data, Note: note}
}
