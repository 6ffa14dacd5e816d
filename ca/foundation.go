package ca

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
)

// Foundation is a PKI in memory, made by [Found] or [FoundImported]. Its CAs can sign at once, while their keys are being
// encrypted in the background: that takes longer than all the rest, and so costs next to no time of its own. Nothing is
// on the disk before [Foundation.Establish]. It must not be used by several goroutines at once.
type Foundation struct {
	dir   string
	force bool
	opts  Options
	doing string // for errors

	root     *Authority        // without a key where an existing CA was taken over and its root stays elsewhere
	rootCert *x509.Certificate // the root, if root is nil
	issuer   *Authority        // signs servers and clients; the same as root in a PKI of one CA
	sealed   *sealing
	extra    []keystore.Artifact
	issued   []firstLeaf
	result   *InitResult
}

// firstLeaf is a certificate that was signed before there is a folder.
type firstLeaf struct {
	product     *Product
	reservation inventory.Reservation
	files       []keystore.Artifact
}

// Root is the certificate that others are to trust.
func (f *Foundation) Root() *x509.Certificate { return f.certs()[0].cert }

// Notices are those on the CAs.
func (f *Foundation) Notices() []Notice { return f.result.Notices }

// Issue signs a first certificate, as [Home.Issue] does, for Establish to record and write with everything else. Until
// Establish has returned, what was signed must not leave the process: the inventory does not know it yet.
func (f *Foundation) Issue(o Order) (*Product, error) {
	p, err := f.issue(o)
	if err != nil {
		return nil, fmt.Errorf("issuing %s %s: %w", o.Role, shortQuote(o.Name), err)
	}
	return p, nil
}

func (f *Foundation) issue(o Order) (*Product, error) {
	prepared, product, err := o.prepare(f.issuer, f.opts)
	if err != nil {
		return nil, err
	}
	serial, err := NewSerial(f.opts.Random)
	if err != nil {
		return nil, err
	}
	cert, err := f.issuer.Sign(prepared, serial)
	if err != nil {
		return nil, err
	}
	files, err := product.complete(cert, f.issuer, o.Build)
	if err != nil {
		return nil, err
	}
	f.issued = append(f.issued, firstLeaf{product, inventory.Reservation{
		Serial: serial, Issuer: issuerID(f.issuer.Certificate()), Name: o.Name, Role: string(o.Role), At: f.opts.Now(),
		Note: o.Note, Among: spaceOf(o.Role),
	}, files})
	return product, nil
}

// Establish puts the PKI into its folder, all of it or nothing, when the keys are encrypted. It fails with
// keystore.ErrExists when the folder holds anything by now.
func (f *Foundation) Establish(ctx context.Context) (*InitResult, error) {
	var err error
	f.result.Files, f.result.Backup, err = f.establish(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", f.doing, f.dir, err)
	}
	return f.result, nil
}

// recordIssued enters the first certificates, and returns their files.
func (f *Foundation) recordIssued(b *inventory.Batch) ([]keystore.Artifact, error) {
	var artifacts []keystore.Artifact
	for _, leaf := range f.issued {
		id, err := b.Reserve(leaf.reservation)
		if err != nil {
			return nil, err
		}
		p := leaf.product
		p.Entry, p.Files = id, pathsOf(leaf.files)
		if err := b.Record(id, p.Certificate().Raw, p.Files); err != nil {
			return nil, err
		}
		if err := b.Issued(id, leaf.reservation.At); err != nil {
			return nil, err
		}
		artifacts = append(artifacts, leaf.files...)
	}
	return artifacts, nil
}

// sealing is the encryption of the CAs' keys, at work since it was made.
type sealing struct {
	done chan struct{}
	keys []keystore.Artifact
	err  error
}

// seal begins to encode keys as they are to rest, all at once. It fails with ErrPolicy, and draws on opts.Random until
// wait has returned.
func seal(opts Options, iterations int, cas []madeCA) (*sealing, error) {
	for _, made := range cas {
		if p := made.spec.Password; p.Given() && len(p) == 0 {
			return nil, policy("an empty password for %s protects nothing; leave it unencrypted explicitly", made.note)
		}
	}
	s := &sealing{done: make(chan struct{}), keys: make([]keystore.Artifact, len(cas))}
	go func() {
		defer close(s.done)
		s.err = inParallel(len(cas), func(i int) error {
			data, err := pemfile.EncodeKey(cas[i].spec.Key, cas[i].spec.Password, iterations, opts.Random)
			s.keys[i] = privateFile(cas[i].path, data, cas[i].note)
			return err
		})
	}()
	return s, nil
}

// wait returns the files of the keys when they are encrypted.
func (s *sealing) wait() ([]keystore.Artifact, error) {
	<-s.done
	return s.keys, s.err
}
