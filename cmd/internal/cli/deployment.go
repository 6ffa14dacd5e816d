package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/jksfile"
	"github.com/mqttpki/mqttpki/keystore/p12file"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// selfCA is how a model names the PKI it lies in.
const selfCA = "self"

// Bounds of files that a deployment is read from. A CRL of a million entries has 50 MB.
const (
	maxModelFile = 1 << 20
	maxPEMFile   = 16 << 20
	maxCRLFile   = 256 << 20
)

// deployment is a listener model together with everything that it names, read from the PKI's folder.
type deployment struct {
	path   string // of the model
	model  *channels.Deployment
	server keystore.Identity
	trust  []trusted // one for each of model.Trust, in its order
	users  *channels.UserFile
	files  []string // all that was read: what to watch
}

// trusted is one CA whose clients may connect.
type trusted struct {
	anchors       []*x509.Certificate // what clients' certificates must lead to
	intermediates []*x509.Certificate // for clients that send their leaf alone
	crls          []crlFile
}

// crlFile is one file of CRLs as it is on disk.
type crlFile struct {
	path string
	data []byte
}

// loadDeployment reads the model at path ("" is the PKI's channels.yaml) and all that it names. Errors name the file;
// those of the model its lines.
func (d *deps) loadDeployment(path string) (*deployment, error) {
	if path == "" {
		path = filepath.Join(d.pki, ca.ChannelsPath)
	}
	x := &deployment{path: path}
	data, err := x.read(path, maxModelFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, withHint(ofKind(errNotFound, fmt.Errorf("reading the listener model: there is no %s", path)), "mqttpki channels init")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the listener model: %w", err)
	}
	if x.model, err = channels.Parse(data); err != nil {
		return nil, fmt.Errorf("reading the listener model %s: %w", path, err)
	}
	if err := x.readServer(d.pki); err != nil {
		return nil, err
	}
	for _, t := range x.model.Trust {
		read, err := x.readTrust(d.pki, t)
		if err != nil {
			return nil, err
		}
		x.trust = append(x.trust, read)
	}
	return x, x.readUsers()
}

// read reads one bounded file and remembers it.
func (x *deployment) read(path string, limit int64) ([]byte, error) {
	x.files = append(x.files, path)
	return safefile.Read(path, limit)
}

// beside resolves a path of the model, which is relative to the model's own folder.
func (x *deployment) beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(x.path), filepath.FromSlash(path))
}

// needsServer reports whether any listener needs a certificate.
func (x *deployment) needsServer() bool {
	for _, l := range x.model.Listeners {
		if l.Transport.Encrypted() {
			return true
		}
	}
	return false
}

// readServer reads the server's identity, and checks its names against the model's hosts.
func (x *deployment) readServer(pki string) error {
	if !x.needsServer() {
		return nil
	}
	server, files, err := readIdentity(pki, ca.FilesOf(ca.RoleServer, x.model.Server))
	x.files = append(x.files, files...)
	if errors.Is(err, fs.ErrNotExist) {
		return withHint(ofKind(errNotFound, fmt.Errorf("reading the server %q of %s: it has no key and certificate in the PKI", x.model.Server, x.path)),
			"mqttpki issue server %s", x.model.Server)
	}
	if err != nil {
		return fmt.Errorf("reading the server %q of %s: %w", x.model.Server, x.path, err)
	}
	x.server = server
	return nil
}

// readTrust reads one CA and its CRLs.
func (x *deployment) readTrust(pki string, t channels.Trust) (trusted, error) {
	var out trusted
	root := x.beside(t.CA)
	if t.CA == selfCA {
		root = filepath.Join(pki, filepath.FromSlash(ca.TrustPath))
		issuing, err := x.certificates(filepath.Join(pki, filepath.FromSlash(ca.IssuingCertPath)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return out, fmt.Errorf("reading the issuing CA: %w", err)
		}
		out.intermediates = issuing
	}
	all, err := x.certificates(root)
	if err != nil {
		return out, fmt.Errorf("reading the trusted CA %q of %s: %w", t.CA, x.path, err)
	}
	for _, c := range all {
		if keystore.SelfIssued(c) {
			out.anchors = append(out.anchors, c)
		} else {
			out.intermediates = append(out.intermediates, c)
		}
	}
	if len(out.anchors) == 0 { // an intermediate alone was given to be trusted, and so it is
		out.anchors, out.intermediates = out.intermediates, nil
	}
	var paths []string
	switch t.CRL {
	case "":
	case selfCA:
		for _, p := range []string{ca.IssuingCRLPath, ca.RootCRLPath} {
			paths = append(paths, filepath.Join(pki, filepath.FromSlash(p)))
		}
	default:
		paths = []string{x.beside(t.CRL)}
	}
	for _, path := range paths {
		data, err := x.read(path, maxCRLFile)
		if errors.Is(err, fs.ErrNotExist) && t.CRL == selfCA && filepath.Base(path) == filepath.Base(ca.IssuingCRLPath) {
			continue // a PKI of one CA has the root's only
		}
		if err != nil {
			return out, fmt.Errorf("reading the CRL of %q in %s: %w", t.CA, x.path, err)
		}
		out.crls = append(out.crls, crlFile{path, data})
	}
	return out, nil
}

// certificates reads every certificate of a PEM or DER file.
func (x *deployment) certificates(path string) ([]*x509.Certificate, error) {
	data, err := x.read(path, maxPEMFile)
	if err != nil {
		return nil, err
	}
	store, err := pemfile.Codec{}.Decode(data, keystore.DecodeOptions{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var certs []*x509.Certificate
	for _, a := range append(store.Anchors, store.Loose...) {
		if a.Certificate.X509 != nil {
			certs = append(certs, a.Certificate.X509)
		}
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("%s: there is no certificate in it: %w", path, keystore.ErrFormat)
	}
	return certs, nil
}

// readUsers reads the password file, where the model has users with passwords.
func (x *deployment) readUsers() error {
	for _, l := range x.model.Listeners {
		if l.Identity.User != channels.UserPassword {
			continue
		}
		path := x.beside(x.model.Users.File)
		data, err := x.read(path, maxPEMFile)
		switch {
		case errors.Is(err, fs.ErrNotExist), safefile.IsEmpty(err):
			x.users, err = channels.ParseUsers(nil) // nobody has been added yet: nobody gets in
		case err == nil:
			x.users, err = channels.ParseUsers(data)
		}
		if err != nil {
			return fmt.Errorf("reading the password file %s: %w", path, err)
		}
		return nil
	}
	return nil
}

// readIdentity reads a key with its chain from whichever of the PKI's files is there: PEM, else a store whose password
// was made up and lies beside it. It names the files that it read, and fails with fs.ErrNotExist when there is none.
func readIdentity(pki string, f ca.Files) (keystore.Identity, []string, error) {
	at := func(path string) string { return filepath.Join(pki, filepath.FromSlash(path)) }
	key, err := safefile.Read(at(f.Key), maxPEMFile)
	if err == nil {
		chain, err := safefile.Read(at(f.Chain), maxPEMFile)
		if err != nil {
			return keystore.Identity{}, nil, err
		}
		id, err := onlyIdentity(pemfile.Codec{}, append(append(key, '\n'), chain...), nil)
		return id, []string{at(f.Key), at(f.Chain)}, err
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return keystore.Identity{}, nil, err
	}
	for _, s := range []struct {
		path  string
		codec keystore.Codec
	}{{f.P12, p12file.Codec{}}, {f.JKS, jksfile.Codec{}}} {
		data, err := safefile.Read(at(s.path), maxPEMFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return keystore.Identity{}, nil, err
		}
		password, _, err := readPassFile(at(f.Pass))
		if err != nil {
			return keystore.Identity{}, nil, err
		}
		id, err := onlyIdentity(s.codec, data, password)
		return id, []string{at(s.path), at(f.Pass)}, err
	}
	return keystore.Identity{}, nil, fmt.Errorf("%s: %w", at(f.Key), fs.ErrNotExist)
}

// onlyIdentity decodes a store that holds one key.
func onlyIdentity(codec keystore.Codec, data []byte, password keystore.Secret) (keystore.Identity, error) {
	store, err := codec.Decode(data, keystore.DecodeOptions{Password: password})
	if err != nil {
		return keystore.Identity{}, err
	}
	if len(store.Identities) != 1 {
		return keystore.Identity{}, fmt.Errorf("there are %d keys where one is wanted: %w", len(store.Identities), keystore.ErrFormat)
	}
	id := store.Identities[0]
	if id.Locked != nil {
		return id, id.Locked
	}
	return id, nil
}
