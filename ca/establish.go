package ca

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/ca/revoke"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// certs are the CAs, root first, with roles and paths.
func (f *Foundation) certs() []caFile {
	root := f.rootCert
	if f.root != nil {
		root = f.root.Certificate()
	}
	cas := []caFile{{RoleRoot, RootCertPath, root}}
	if f.issuer != f.root {
		cas = append(cas, caFile{RoleIssuing, IssuingCertPath, f.issuer.Certificate()})
	}
	return cas
}

type caFile struct {
	role Role
	path string
	cert *x509.Certificate
}

// checkVacant fails with keystore.ErrExists when dir is there and holds anything.
func checkVacant(dir string, force bool) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(entries) > 0 && !force:
		return fmt.Errorf("the folder is not empty: %w", keystore.ErrExists)
	}
	return nil
}

// establish writes the PKI into a new folder beside dir and moves it there at the end, so that dir is a whole PKI or
// not there.
func (f *Foundation) establish(ctx context.Context) (files []string, backup string, err error) {
	dir := filepath.Clean(f.dir)
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, "", err
	}
	work, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+"-new-") // mode 0700
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if files, err = f.fill(ctx, work); err != nil {
		return nil, "", err
	}
	backup, err = moveIn(work, dir, f.opts.Now(), f.force)
	if errors.Is(err, fs.ErrExist) { // somebody else made one meanwhile
		err = fmt.Errorf("%w: %w", keystore.ErrExists, err)
	}
	if err == nil {
		err = syncDir(parent)
	}
	return files, backup, err
}

// fill makes the folder's content, the CAs' keys last: they may still be on their way.
func (f *Foundation) fill(ctx context.Context, work string) ([]string, error) {
	recorded, err := f.fillInventory(ctx, work)
	if err != nil {
		return nil, err
	}
	rest := append(recorded, f.extra...)
	if err := commitNew(work, rest); err != nil {
		return nil, err
	}
	keys, err := f.sealed.wait()
	if err != nil {
		return nil, err
	}
	return pathsOf(slices.Concat(keys, rest)), commitNew(work, keys)
}

// commitNew writes files that are not there yet.
func commitNew(dir string, artifacts []keystore.Artifact) error {
	files, err := safefile.FromArtifacts(dir, artifacts)
	if err == nil {
		_, err = safefile.Commit(files, safefile.Options{})
	}
	return err
}

// fillInventory makes the inventory, and returns the files that go with what is in it.
func (f *Foundation) fillInventory(ctx context.Context, work string) (artifacts []keystore.Artifact, err error) {
	inv, err := inventory.Open(ctx, filepath.Join(work, InventoryPath), inventory.Options{Create: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, inv.Close()) }()
	h := &Home{dir: work, opts: f.opts, inv: inv, root: f.Root()}
	if f.issuer != f.root {
		h.issuing = f.issuer.Certificate()
	}
	// One transaction for all: nobody sees the folder before it is whole, so there are no steps to come back to.
	err = inv.Batch(ctx, func(b *inventory.Batch) error {
		artifacts, err = f.record(b, h)
		return err
	})
	return artifacts, err
}

// record enters the CAs, the first certificates, the probe identity and the first CRLs, and returns their files.
func (f *Foundation) record(b *inventory.Batch, h *Home) ([]keystore.Artifact, error) {
	var artifacts []keystore.Artifact
	for _, c := range f.certs() {
		if err := h.recordCA(b, c); err != nil {
			return nil, err
		}
		artifacts = append(artifacts, publicFile(c.path, pemfile.EncodeCertificates(wrap(c.cert)), "the "+string(c.role)+" CA's certificate"))
	}
	artifacts = append(artifacts, publicFile(TrustPath, pemfile.EncodeCertificates(wrap(h.root)), "what servers and clients must trust"))
	issued, err := f.recordIssued(b)
	if err != nil {
		return nil, err
	}
	probe, files, err := h.revokedProbe(b, f.issuer)
	if err != nil {
		return nil, err
	}
	artifacts = append(append(artifacts, issued...), files...)
	crl, err := h.firstCRL(b, f.issuer, probe)
	if err != nil {
		return nil, err
	}
	artifacts = append(artifacts, crl.artifact())
	if f.root != nil && f.root != f.issuer {
		if crl, err = h.firstCRL(b, f.root); err != nil {
			return nil, err
		}
		artifacts = append(artifacts, crl.artifact())
	}
	return artifacts, nil
}

// recordCA enters a CA's own certificate.
func (h *Home) recordCA(b *inventory.Batch, c caFile) error {
	issuer := c.cert
	if !keystore.SelfIssued(c.cert) {
		issuer = h.root
	}
	now := h.opts.Now()
	id, err := b.Reserve(inventory.Reservation{
		Serial: c.cert.SerialNumber, Issuer: issuerID(issuer), Name: caName(c.cert), Role: string(c.role), At: now, AnyName: true,
	})
	if err == nil {
		err = b.Record(id, c.cert.Raw, []string{c.path})
	}
	if err == nil {
		err = b.Issued(id, now)
	}
	return err
}

// caName is what the inventory calls a CA.
func caName(c *x509.Certificate) string {
	if c.Subject.CommonName != "" {
		return c.Subject.CommonName
	}
	return c.Subject.String()
}

// ProbeName is the client that stands on every CRL of a PKI, so that `verify` can show that a revoked one is refused
// without touching a live one. It is valid as long as its CA.
const ProbeName = "mqttpki-probe-revoked"

// revokedProbe makes the probe identity, and revokes it at once.
func (h *Home) revokedProbe(b *inventory.Batch, a *Authority) (revoke.Entry, []keystore.Artifact, error) {
	identity, err := a.Identity(Request{
		Role: RoleClient, Name: ProbeName, NotBefore: a.Certificate().NotBefore, NotAfter: a.Certificate().NotAfter,
	})
	if err != nil {
		return revoke.Entry{}, nil, err
	}
	key, err := pemfile.EncodeKey(identity.Key, nil, 0, nil)
	if err != nil {
		return revoke.Entry{}, nil, err
	}
	files := ProbeFiles()
	artifacts := []keystore.Artifact{
		publicFile(files.Cert, pemfile.EncodeCertificates(identity.Chain[0]), "a revoked certificate, for verify"),
		publicFile(files.Chain, pemfile.EncodeCertificates(identity.Chain...), "the same with its chain"),
		privateFile(files.Key, key, "its key, of no use"),
	}
	now, cert := h.opts.Now(), identity.Chain[0].X509
	id, err := b.Reserve(inventory.Reservation{
		Serial: cert.SerialNumber, Issuer: issuerID(a.Certificate()), Name: ProbeName, Role: string(RoleClient), At: now,
		Note: "revoked on purpose, for verify", AnyName: true,
	})
	if err == nil {
		err = b.Record(id, cert.Raw, []string{files.Cert, files.Chain, files.Key})
	}
	if err == nil {
		err = b.Issued(id, now)
	}
	if err == nil {
		err = b.Revoke(id, now, reasonCessation)
	}
	return revoke.Entry{Serial: cert.SerialNumber, RevokedAt: now, Reason: int(reasonCessation)}, artifacts, err
}

// moveIn puts the new folder where it is to be. An existing one is moved aside under force; an empty one gives way, or,
// where it cannot (a mount point), takes the content in, the CAs last, without which it is no PKI.
func moveIn(work, dir string, now time.Time, force bool) (backup string, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", os.Rename(work, dir)
	case err != nil:
		return "", err
	case len(entries) > 0 && !force:
		return "", fmt.Errorf("the folder is not empty: %w", keystore.ErrExists)
	case len(entries) > 0:
		backup = fmt.Sprintf("%s.%s.bak", dir, now.UTC().Format("20060102T150405Z"))
		if _, err := os.Lstat(backup); err == nil {
			return "", fmt.Errorf("keeping the old PKI as %q: %w", backup, keystore.ErrExists)
		}
		if err := os.Rename(dir, backup); err != nil {
			return "", err
		}
		if err := os.Rename(work, dir); err != nil {
			return "", errors.Join(err, os.Rename(backup, dir))
		}
		return backup, nil
	}
	if os.Remove(dir) == nil {
		return "", os.Rename(work, dir)
	}
	return "", moveContent(work, dir)
}

func moveContent(work, dir string) error {
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(work)
	if err != nil {
		return err
	}
	const last = "ca"
	for _, e := range entries {
		if e.Name() != last {
			if err := os.Rename(filepath.Join(work, e.Name()), filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return os.Rename(filepath.Join(work, last), filepath.Join(dir, last))
}

// syncDir makes a rename in a folder last. Windows has no such thing and needs none.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
