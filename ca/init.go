package ca

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// InitRequest is the PKI that [Init] makes. The zero value makes a root and an issuing CA, unencrypted.
type InitRequest struct {
	// Subject names the root, and with the word "issuing" behind its CN the issuing CA, unless Root.Subject or
	// Issuing.Subject say otherwise. Empty: a made-up name that no other PKI has.
	Subject  keystore.Name
	RootOnly bool   // one CA that signs servers and clients itself, as the batch scripts had it
	Root     CASpec // the CA that others trust
	Issuing  CASpec // signs servers and clients; unused with RootOnly

	Backdate    time.Duration   // of both CAs; 0: an hour, negative: not at all
	PathLength  int             // CAs that may stand below the one that signs leaves; 0 is the safe choice, negative: any number
	Constraints NameConstraints // on the root, and so on everything
	Iterations  int             // of PBKDF2 on the keys at rest; 0: 600,000
	Extra       []keystore.Artifact
	Force       bool // an existing PKI is moved to a dated backup beside it
}

// InitResult says what Init made.
type InitResult struct {
	Root    *x509.Certificate
	Issuing *x509.Certificate // nil with RootOnly
	Files   []string          // relative to the PKI
	Backup  string            // where an existing PKI was moved to, "" if there was none
	Notices []Notice
}

// Init makes a PKI in dir: CAs, first CRLs, the revoked probe identity and the inventory, all of it or nothing. Extra
// files, such as pki.yaml, are written along. It fails with keystore.ErrExists when dir holds anything already, and
// with ErrPolicy. opts.Settings give the CRLs' lifetimes.
func Init(ctx context.Context, dir string, req InitRequest, opts Options) (*InitResult, error) {
	f, err := Found(dir, req, opts)
	if err != nil {
		return nil, err
	}
	return f.Establish(ctx)
}

// Found makes the PKI of [Init] in memory, for those who want its CAs to sign before it is in dir. It fails likewise.
func Found(dir string, req InitRequest, opts Options) (*Foundation, error) {
	f := &Foundation{dir: dir, force: req.Force, opts: opts.complete(), doing: "making PKI", extra: req.Extra, result: &InitResult{}}
	err := checkVacant(dir, req.Force)
	if err == nil {
		err = req.found(f)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", f.doing, dir, err)
	}
	return f, nil
}

// found makes keys and certificates.
func (req InitRequest) found(f *Foundation) error {
	opts, result := f.opts, f.result
	if err := req.complete(opts); err != nil {
		return err
	}
	backdate, err := Profile{Backdate: req.Backdate}.backdate()
	if err != nil {
		return err
	}
	base := newCA{constraints: req.Constraints, pathLen: req.PathLength, backdate: backdate, now: opts.Now(), random: opts.Random}
	root := base
	root.role, root.spec = RoleRoot, req.Root
	if !req.RootOnly && req.PathLength >= 0 {
		root.pathLen = req.PathLength + 1
	}
	rootCert, notices, err := root.make(nil)
	if err != nil {
		return fmt.Errorf("root: %w", err)
	}
	result.Root, result.Notices = rootCert, append(req.notices(), notices...)
	f.root, err = NewAuthority([]*x509.Certificate{rootCert}, req.Root.Key.Signer, opts.Now, opts.Random)
	if err != nil {
		return err
	}
	f.issuer = f.root
	if !req.RootOnly {
		issuing := base
		issuing.role, issuing.spec, issuing.constraints = RoleIssuing, req.Issuing, NameConstraints{}
		cert, notices, err := issuing.make(f.root)
		if err != nil {
			return fmt.Errorf("issuing CA: %w", err)
		}
		result.Issuing, result.Notices = cert, append(result.Notices, notices...)
		if f.issuer, err = NewAuthority([]*x509.Certificate{cert, rootCert}, req.Issuing.Key.Signer, opts.Now, opts.Random); err != nil {
			return err
		}
	}
	f.sealed, err = seal(opts, req.Iterations, req.cas())
	return err
}

// madeCA is a CA of a request, with where its key goes.
type madeCA struct {
	path, note string
	spec       *CASpec
}

func (req *InitRequest) cas() []madeCA {
	cas := []madeCA{{RootKeyPath, "the root's key", &req.Root}}
	if !req.RootOnly {
		cas = append(cas, madeCA{IssuingKeyPath, "the issuing CA's key", &req.Issuing})
	}
	return cas
}

// complete fills in subjects and keys.
func (req *InitRequest) complete(opts Options) error {
	subject, err := req.Subject, error(nil)
	if len(subject) == 0 {
		if subject, err = defaultSubject(opts.Random); err != nil {
			return err
		}
	}
	if len(req.Root.Subject) == 0 {
		req.Root.Subject = subject
	}
	if len(req.Issuing.Subject) == 0 {
		req.Issuing.Subject = withSuffix(subject, "issuing")
	}
	if !req.RootOnly && req.Root.Subject.String() == req.Issuing.Subject.String() {
		return policy("root and issuing CA have the same subject; readers find issuers by it")
	}
	cas := req.cas()
	return inParallel(len(cas), func(i int) error {
		spec := cas[i].spec
		if spec.Key == nil {
			key, err := spec.KeyType.Generate(opts.Random)
			spec.Key = key
			return err
		}
		if spec.Key.Signer == nil {
			return policy("the key's algorithm is unknown")
		}
		return nil
	})
}

// notices names weak choices.
func (req *InitRequest) notices() []Notice {
	var notices []Notice
	for _, made := range req.cas() {
		found, _ := CheckKey(made.spec.Key.Signer.Public()) // make refuses what is too weak
		notices = append(notices, found...)
		if !made.spec.Password.Given() {
			notices = append(notices, warn("ca-key-unencrypted", "%s is not encrypted: whoever reads the file can sign for everybody", made.path))
		}
	}
	if req.PathLength < 0 {
		notices = append(notices, warn("path-length-unlimited", "any number of CAs may be made below this one"))
	}
	return notices
}

// inParallel runs f for 0 to n-1 at once and returns the errors.
func inParallel(n int, f func(i int) error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = f(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// lockedReader lets several goroutines read one source of randomness.
type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

// Read reads from the source while nobody else does.
func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}
