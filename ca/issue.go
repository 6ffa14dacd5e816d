package ca

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"os"
	"slices"

	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// Order is one certificate to be issued, with what is to become of it.
type Order struct {
	Request
	KeyType KeyType              // of the key to be made; "" follows the profile
	Key     *keystore.PrivateKey // to be certified instead of a new one; nil beside Request.PublicKey: the key is elsewhere
	Replace bool                 // the name may be live: that certificate is superseded, its files are replaced, its key kept as a backup
	Build   Build                // the files; nil: those of PEMFiles
	Note    string               // for the inventory
}

// Build makes the files of an identity. It is called when the certificate is signed and nothing is written yet; an error
// gives the whole order up. Paths are relative to the PKI, usually those of [FilesOf].
type Build func(*Product) ([]keystore.Artifact, error)

// Product is an identity that was issued.
type Product struct {
	Role     Role
	Name     string
	Identity keystore.Identity // alias Name; the key is nil when it is elsewhere; leaf and intermediates, without the root
	Anchors  []keystore.Anchor // what this side is to trust
	Notices  []Notice
	Files    []string          // written, relative to the PKI
	Backups  []safefile.Backup // keys and stores that were kept from before
	Entry    int64             // id in the inventory
}

// Certificate is the leaf.
func (p *Product) Certificate() *x509.Certificate { return p.Identity.Chain[0].X509 }

// PEMFiles builds the default files: leaf, chain, trusted root, and the key, unencrypted, where it is at hand.
func PEMFiles(p *Product) ([]keystore.Artifact, error) {
	files := FilesOf(p.Role, p.Name)
	artifacts := []keystore.Artifact{
		publicFile(files.Cert, pemfile.EncodeCertificates(p.Identity.Chain[0]), "the certificate"),
		publicFile(files.Chain, pemfile.EncodeCertificates(p.Identity.Chain...), "certificate and intermediates, what TLS sends"),
	}
	var anchors []keystore.Certificate
	for _, a := range p.Anchors {
		anchors = append(anchors, a.Certificate)
	}
	artifacts = append(artifacts, publicFile(files.CA, pemfile.EncodeCertificates(anchors...), "what to trust"))
	if p.Identity.Key != nil {
		key, err := pemfile.EncodeKey(p.Identity.Key, nil, 0, nil)
		if err != nil {
			return nil, err
		}
		artifacts = append(artifacts, privateFile(files.Key, key, "the private key"))
	}
	return artifacts, nil
}

// Issue takes one certificate through all its steps: prepare and lint, reserve a serial, sign, record it as pending,
// write its files, mark it issued. It fails with ErrPolicy, with keystore.ErrExists where the name is live or a file is
// there, and with keystore.ErrLocked; then nothing was written, and no usable certificate exists.
func (h *Home) Issue(ctx context.Context, a *Authority, o Order) (*Product, error) {
	prepared, product, err := o.prepare(a, h.opts) // before the lock: RSA keys take their time
	if err != nil {
		return nil, err // which names the order
	}
	err = h.exclusively(ctx, func() error { return h.carryOut(ctx, a, o, prepared, product) })
	if err != nil {
		return nil, o.failed(err)
	}
	return product, nil
}

// failed says what was being done when err came up.
func (o *Order) failed(err error) error {
	return fmt.Errorf("issuing %s %s: %w", o.Role, shortQuote(o.Name), err)
}

// prepare makes the order's key, unless it is there or elsewhere, and decides on the certificate.
func (o *Order) prepare(a *Authority, opts Options) (*Prepared, *Product, error) {
	profile := opts.Settings.Profile(o.Role)
	if o.PublicKey == nil {
		if o.Key == nil {
			kind := o.KeyType
			if kind == "" {
				kind = profile.KeyType
			}
			key, err := kind.Generate(opts.Random)
			if err != nil {
				return nil, nil, o.failed(err)
			}
			o.Key = key
		}
		if o.Key.Signer == nil {
			return nil, nil, o.failed(policy("the key's algorithm is unknown"))
		}
		o.PublicKey = o.Key.Signer.Public()
	} else if o.Key != nil {
		return nil, nil, o.failed(policy("a key and a public key are given"))
	}
	prepared, err := a.Prepare(profile, o.Request)
	if err != nil {
		return nil, nil, err
	}
	return prepared, &Product{
		Role: o.Role, Name: o.Name, Notices: prepared.Notices,
		Anchors:  []keystore.Anchor{{Alias: AnchorAlias, Certificate: a.Root()}},
		Identity: keystore.Identity{Alias: o.Name, Key: o.Key, Created: opts.Now()},
	}, nil
}

// spaceOf returns the roles whose names must not collide with one of the given role.
func spaceOf(r Role) []string {
	if r.ConnectsAsClient() {
		return []string{string(RoleClient), string(RoleBridge)}
	}
	return []string{string(r)}
}

// carryOut does the steps from the serial on, under the lock.
func (h *Home) carryOut(ctx context.Context, a *Authority, o Order, prepared *Prepared, product *Product) error {
	replaces, err := h.replaced(ctx, o)
	if err != nil {
		return err
	}
	cert, id, err := h.signRecorded(ctx, a, prepared, inventory.Reservation{
		Name: o.Name, Role: string(o.Role), Replaces: replaces, Note: o.Note, Among: spaceOf(o.Role),
	}, func(cert *x509.Certificate) ([]keystore.Artifact, error) {
		return product.complete(cert, a, o.Build)
	})
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // what is recorded is finished, also when somebody presses Ctrl-C now
	product.Entry = id
	product.Files = pathsOf(cert.files)
	product.Backups, err = h.store(ctx, id, cert.files, o.Replace)
	return err
}

// replaced returns the inventory's id of the certificate that an order replaces, 0 for none.
func (h *Home) replaced(ctx context.Context, o Order) (int64, error) {
	if !o.Replace {
		return 0, nil
	}
	e, err := h.inv.Current(ctx, o.Name, h.opts.Now(), spaceOf(o.Role)...)
	switch {
	case errors.Is(err, ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	case e.Name != o.Name: // the name looks like some serial
		return 0, nil
	}
	return e.ID, nil
}

// signed is a certificate with the files that are to be written for it.
type signed struct {
	cert  *x509.Certificate
	files []keystore.Artifact
}

// signRecorded reserves a serial, signs under it and records the certificate as pending. Files are made in between; nil
// stands for none. When anything fails the entry is abandoned: nothing has left the process.
func (h *Home) signRecorded(ctx context.Context, a *Authority, p *Prepared, r inventory.Reservation,
	files func(*x509.Certificate) ([]keystore.Artifact, error)) (signed, int64, error) {
	serial, id, err := h.reserve(ctx, a, r)
	if err != nil {
		return signed{}, 0, err
	}
	s, err := h.signAndBuild(a, p, serial, files)
	if err == nil {
		err = h.step("record")
	}
	if err == nil {
		err = h.inv.Batch(ctx, func(b *inventory.Batch) error { return b.Record(id, s.cert.Raw, pathsOf(s.files)) })
	}
	if err != nil {
		return signed{}, 0, h.abandon(id, "failed before it was recorded", err)
	}
	return s, id, nil
}

func (h *Home) signAndBuild(a *Authority, p *Prepared, serial *big.Int, files func(*x509.Certificate) ([]keystore.Artifact, error)) (signed, error) {
	if err := h.step("sign"); err != nil {
		return signed{}, err
	}
	cert, err := a.Sign(p, serial)
	if err != nil {
		return signed{}, err
	}
	s := signed{cert: cert}
	if files != nil {
		s.files, err = files(cert)
	}
	return s, err
}

// reserve takes a serial nobody has, and the name.
func (h *Home) reserve(ctx context.Context, a *Authority, r inventory.Reservation) (*big.Int, int64, error) {
	if !bytes.Equal(a.Certificate().Raw, h.Issuer().Raw) {
		return nil, 0, policy("servers and clients are signed by %s alone", shortQuote(caName(h.Issuer())))
	}
	r.Issuer, r.At = issuerID(a.Certificate()), h.opts.Now()
	const tries = 3 // one in 2^159 is taken; a second time means that the randomness is broken
	for try := 1; ; try++ {
		serial, err := NewSerial(h.opts.Random)
		if err != nil {
			return nil, 0, err
		}
		r.Serial = serial
		var id int64
		err = h.inv.Batch(ctx, func(b *inventory.Batch) error {
			id, err = b.Reserve(r)
			return err
		})
		if err == nil {
			return serial, id, nil
		}
		if !errors.Is(err, inventory.ErrSerialTaken) || try == tries {
			return nil, 0, err
		}
	}
}

// complete puts the certificate into the product and makes the files, the certificate's own among them: by it a crash
// is settled.
func (p *Product) complete(cert *x509.Certificate, a *Authority, build Build) ([]keystore.Artifact, error) {
	p.Identity.Chain = append([]keystore.Certificate{wrap(cert)}, a.Chain()...)
	if build == nil {
		build = PEMFiles
	}
	artifacts, err := build(p)
	if err != nil {
		return nil, err
	}
	leaf := FilesOf(p.Role, p.Name).Cert
	if !slices.ContainsFunc(artifacts, func(a keystore.Artifact) bool { return a.Path == leaf }) {
		artifacts = append(artifacts, publicFile(leaf, pemfile.EncodeCertificates(p.Identity.Chain[0]), "the certificate"))
	}
	return artifacts, nil
}

// pathsOf returns the paths of artifacts.
func pathsOf(artifacts []keystore.Artifact) []string {
	var paths []string
	for _, a := range artifacts {
		paths = append(paths, a.Path)
	}
	return paths
}

// store writes the files of a pending entry and marks it issued. A failed write was undone, so the entry is abandoned;
// after a write the entry stays whatever happens, for settle to find.
func (h *Home) store(ctx context.Context, id int64, artifacts []keystore.Artifact, force bool) ([]safefile.Backup, error) {
	files, err := safefile.FromArtifacts(h.dir, artifacts)
	if err == nil {
		err = h.step("write")
	}
	var result safefile.Result
	if err == nil {
		result, err = safefile.Commit(files, safefile.Options{Force: force, Now: h.opts.Now, Journal: h.Path(journalPath)})
	}
	if _, left := os.Lstat(h.Path(journalPath)); left == nil && err != nil {
		return nil, err // not even undone: settle goes on with it
	}
	if err != nil {
		return nil, h.abandon(id, "its files could not be written", err)
	}
	if err := h.step("issued"); err != nil {
		return nil, err
	}
	err = h.inv.Batch(ctx, func(b *inventory.Batch) error { return b.Issued(id, h.opts.Now()) })
	return result.Backups, err
}

// abandon gives an entry up because of err, also when the context has ended.
func (h *Home) abandon(id int64, why string, err error) error {
	if errors.Is(err, errCrash) {
		return err
	}
	return errors.Join(err, h.inv.Batch(context.Background(), func(b *inventory.Batch) error { return b.Abandon(id, why) }))
}

// errCrash stands, in tests, for the end of the process: no step after it happens.
var errCrash = errors.New("crash")

// step is where tests let an issue fail.
func (h *Home) step(name string) error {
	if h.fault == nil {
		return nil
	}
	return h.fault(name)
}
