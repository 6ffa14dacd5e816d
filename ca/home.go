package ca

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// DefaultLockWait is how long a command waits for others that are writing to the same folder.
const DefaultLockWait = 30 * time.Second

// Options tunes a [Home]. Now and Random must be set; the rest has usable zero values.
type Options struct {
	Now      func() time.Time
	Random   io.Reader     // serials, salts and IVs
	Settings Settings      // as in pki.yaml
	LockWait time.Duration // 0: DefaultLockWait; negative: not at all
}

// complete fills in zero fields, and makes the source of randomness safe for several goroutines.
func (o Options) complete() Options {
	o.Settings = o.Settings.WithDefaults()
	o.LockWait = orDuration(o.LockWait, DefaultLockWait)
	o.Random = &lockedReader{r: o.Random}
	return o
}

// Home is an opened PKI folder. It is safe for use by several goroutines, and beside other processes.
type Home struct {
	dir     string
	opts    Options
	inv     *inventory.DB
	root    *x509.Certificate
	issuing *x509.Certificate // nil when the root issues itself
	writing sync.Mutex        // goroutines queue here, so that only one at a time polls for the lock between processes

	fault func(step string) error // tests only: fails before the named step of an issue
}

// CheckSchema refuses a pki.yaml of another version, with keystore.ErrUnsupported.
func CheckSchema(schema string) error {
	if schema != SettingsSchema {
		return fmt.Errorf("the PKI's schema is %s, this program reads %q: %w", shortQuote(schema), SettingsSchema, keystore.ErrUnsupported)
	}
	return nil
}

// Open opens the PKI in dir. What a crash left unfinished is settled, unless another process is writing just now. It
// fails with ErrNotFound when there is no PKI, and needs no password: see [Home.Unlock].
func Open(ctx context.Context, dir string, opts Options) (*Home, error) {
	h, err := open(ctx, dir, opts)
	if err != nil {
		return nil, fmt.Errorf("opening PKI %q: %w", dir, err)
	}
	return h, nil
}

func open(ctx context.Context, dir string, opts Options) (*Home, error) {
	h := &Home{dir: dir, opts: opts.complete()}
	var err error
	if h.root, err = readCert(dir, RootCertPath); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no PKI: %w", ErrNotFound)
	} else if err != nil {
		return nil, err
	}
	if h.issuing, err = readIssuing(dir); err != nil {
		return nil, err
	}
	if h.inv, err = inventory.Open(ctx, h.Path(InventoryPath), inventory.Options{}); err != nil {
		return nil, err
	}
	if err := h.settleIfFree(ctx); err != nil {
		return nil, errors.Join(err, h.inv.Close())
	}
	return h, nil
}

// readIssuing reads the issuing CA's certificate; nil where the root issues itself. A certificate that was lost is an
// error and not such a PKI: the root would begin to sign in the issuing CA's place.
func readIssuing(dir string) (*x509.Certificate, error) {
	cert, err := readCert(dir, IssuingCertPath)
	if !errors.Is(err, fs.ErrNotExist) {
		return cert, err
	}
	for _, path := range []string{IssuingKeyPath, IssuingCRLPath} {
		if _, left := os.Lstat(filepath.Join(dir, filepath.FromSlash(path))); left == nil {
			return nil, fmt.Errorf("%s is there without the certificate: %w", path, err)
		}
	}
	return nil, nil
}

// Close ends the use of the folder.
func (h *Home) Close() error { return h.inv.Close() }

// Dir is the folder.
func (h *Home) Dir() string { return h.dir }

// Path returns where a path of the folder, such as [RootCertPath], is in the operating system's spelling.
func (h *Home) Path(path string) string { return filepath.Join(h.dir, filepath.FromSlash(path)) }

// Inventory is the record of everything that was issued, for reading. Writing goes through the Home.
func (h *Home) Inventory() *inventory.DB { return h.inv }

// Settings are those given to Open, with defaults filled in.
func (h *Home) Settings() Settings { return h.opts.Settings }

// RootOnly reports whether the root issues itself.
func (h *Home) RootOnly() bool { return h.issuing == nil }

// Root is the certificate that others are to trust.
func (h *Home) Root() *x509.Certificate { return h.root }

// Issuer is the certificate of the CA that signs servers and clients: the issuing CA, or the root if there is none.
func (h *Home) Issuer() *x509.Certificate {
	if h.issuing != nil {
		return h.issuing
	}
	return h.root
}

// Issuers are the CAs above a leaf, nearest first, root last.
func (h *Home) Issuers() []*x509.Certificate {
	if h.issuing != nil {
		return []*x509.Certificate{h.issuing, h.root}
	}
	return []*x509.Certificate{h.root}
}

// AnchorAlias is what the root is called in truststores.
const AnchorAlias = "ca"

// Anchors are what servers and clients of this PKI are to trust.
func (h *Home) Anchors() []keystore.Anchor {
	return []keystore.Anchor{{Alias: AnchorAlias, Certificate: wrap(h.root)}}
}

// CRLPath is where the CRL of the CA that signs servers and clients lies.
func (h *Home) CRLPath() string {
	if h.RootOnly() {
		return RootCRLPath
	}
	return IssuingCRLPath
}

// issuerID is what the inventory calls a CA: its key identifier in hex, since two CAs may share a name.
func issuerID(c *x509.Certificate) string {
	id, err := keyIDOf(c)
	if err != nil {
		return "" // its key was parsed from a certificate, so it can be encoded
	}
	return hex.EncodeToString(id)
}

// Unlock opens the key of the CA that signs servers and clients. The password is nil for a key that is not encrypted.
// It fails with keystore.ErrPassword, or ErrNotFound when the key is not there.
func (h *Home) Unlock(password keystore.Secret) (*Authority, error) {
	path := IssuingKeyPath
	if h.RootOnly() {
		path = RootKeyPath
	}
	return h.unlock(path, password, h.Issuers())
}

// UnlockRoot opens the root's key, which is needed for the root's CRL and for rotation only. It fails as Unlock does.
func (h *Home) UnlockRoot(password keystore.Secret) (*Authority, error) {
	return h.unlock(RootKeyPath, password, []*x509.Certificate{h.root})
}

func (h *Home) unlock(path string, password keystore.Secret, chain []*x509.Certificate) (*Authority, error) {
	file := h.Path(path)
	data, err := safefile.Read(file, maxOwnFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening CA key %q: %w", file, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("opening CA key: %w", err)
	}
	key, err := parseKeyPEM(data, password)
	if err != nil {
		return nil, fmt.Errorf("opening CA key %q: %w", file, err)
	}
	return NewAuthority(chain, key.Signer, h.opts.Now, h.opts.Random)
}

// exclusively runs f while no other command writes to the folder. Whatever unfinished records f finds were left by a
// crash, so they are settled first.
func (h *Home) exclusively(ctx context.Context, f func() error) error {
	h.writing.Lock()
	defer h.writing.Unlock()
	held, err := safefile.Lock(ctx, h.Path(lockPath), max(h.opts.LockWait, 0))
	if err != nil {
		return err
	}
	err = h.settle(ctx)
	if err == nil {
		err = f()
	}
	return errors.Join(err, held.Release())
}
