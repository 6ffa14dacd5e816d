package ibm

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// day is how much longer than the certificates it signs the CA lives, so that none of them has to be cut.
const day = 24 * time.Hour

// authority is the CA, in its folder or on the way there.
type authority struct {
	job   *Job
	home  *ca.Home             // nil while there is no folder
	fresh *ca.Foundation       // the CA that is being made; nil when it is in its folder
	key   *keystore.PrivateKey // nil until it is needed: its password takes a tenth of a second to check
}

func (j *Job) options() ca.Options { return ca.Options{Now: j.Now, Random: j.Random} }

// openCA opens the CA's folder; nil without an error when there is none.
func (j *Job) openCA(ctx context.Context) (*authority, error) {
	home, err := ca.Open(ctx, j.PKI, j.options())
	if errors.Is(err, ca.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !home.RootOnly() {
		return nil, errors.Join(fmt.Errorf("%w: the PKI in %s has an intermediate CA; these scripts are for one CA that signs "+
			"everything. Name another folder in the variable pki", ErrSetting, j.PKI), home.Close())
	}
	return &authority{job: j, home: home}, nil
}

// makeCA makes the CA in memory. One that is in its key store already, made by the scripts of old, is taken over.
func (j *Job) makeCA(r *Report) (*authority, error) {
	password, err := j.Passwords.Of(j.CA.KeyPassword)
	if err != nil {
		return nil, err
	}
	old, err := j.oldCA()
	if err != nil {
		return nil, err
	}
	a := &authority{job: j}
	if old != nil {
		a.key = old.Identities[0].Key
		a.fresh, err = ca.FoundImported(j.PKI, ca.ImportRequest{Store: old, Password: password, Iterations: j.CAIterations}, j.options())
	} else {
		a.key, a.fresh, err = j.newCA(password)
	}
	if err != nil {
		return nil, err
	}
	r.tell(a.fresh.Notices())
	return a, nil
}

// newCA makes a CA of one level, as the scripts always had it.
func (j *Job) newCA(password keystore.Secret) (*keystore.PrivateKey, *ca.Foundation, error) {
	subject, err := ca.ParseDN(j.CA.Subject)
	if err != nil {
		return nil, nil, err
	}
	key, err := j.KeyType.Generate(j.Random)
	if err != nil {
		return nil, nil, err
	}
	fresh, err := ca.Found(j.PKI, ca.InitRequest{
		RootOnly: true, Iterations: j.CAIterations,
		Root: ca.CASpec{Subject: subject, Key: key, Validity: j.Validity + day, Password: password},
	}, j.options())
	return key, fresh, err
}

// establish puts a CA that is being made into its folder.
func (a *authority) establish(ctx context.Context) error {
	if a.fresh == nil {
		return nil
	}
	_, err := a.fresh.Establish(ctx)
	return err
}

// close ends the use of the CA's folder.
func (a *authority) close() error {
	if a.home == nil {
		return nil
	}
	return a.home.Close()
}

// oldCA reads the CA's key store, nil when there is none. It fails rather than return a store without the CA's key:
// writing over it could lose one.
func (j *Job) oldCA() (*keystore.Store, error) {
	if j.CAKeyStore == "" {
		return nil, nil
	}
	data, err := safefile.Read(j.CAKeyStore, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	store, err := j.decode(j.CAKeyStore, j.CA.KeyPassword, data)
	if err != nil {
		return nil, fmt.Errorf("reading key store %q: %w", j.CAKeyStore, err)
	}
	for _, id := range store.Identities {
		if strings.EqualFold(id.Alias, j.CA.Alias) && id.Key != nil {
			return &keystore.Store{Identities: []keystore.Identity{id}}, nil
		}
	}
	return nil, fmt.Errorf("reading key store %q: %w: it holds no key %q that can be read", j.CAKeyStore, keystore.ErrPassword, j.CA.Alias)
}

// root is the CA's own certificate.
func (a *authority) root() *x509.Certificate {
	if a.fresh != nil {
		return a.fresh.Root()
	}
	return a.home.Root()
}

// certificate is the same as stores hold it.
func (a *authority) certificate() keystore.Certificate {
	return keystore.Certificate{Raw: a.root().Raw, X509: a.root()}
}

// identity is the CA's key with its certificate.
func (a *authority) identity() (keystore.Identity, error) {
	if a.key == nil {
		if err := a.unlock(); err != nil {
			return keystore.Identity{}, err
		}
	}
	return keystore.Identity{Created: a.job.Now(), Key: a.key, Chain: []keystore.Certificate{a.certificate()}}, nil
}

// issue signs a certificate.
func (a *authority) issue(ctx context.Context, order ca.Order) (*ca.Product, error) {
	if a.fresh != nil {
		return a.fresh.Issue(order)
	}
	if a.key == nil {
		if err := a.unlock(); err != nil {
			return nil, err
		}
	}
	signer, err := ca.NewAuthority([]*x509.Certificate{a.root()}, a.key.Signer, a.job.Now, a.job.Random)
	if err != nil {
		return nil, err
	}
	return a.home.Issue(ctx, signer, order)
}

// unlock decrypts the key in the CA's folder.
func (a *authority) unlock() error {
	path := a.home.Path(ca.RootKeyPath)
	data, err := safefile.Read(path, 0)
	if err != nil {
		return fmt.Errorf("opening the CA's key: %w", err)
	}
	password, err := a.job.Passwords.Of(a.job.CA.KeyPassword)
	if err != nil {
		return err
	}
	store, err := pemfile.Codec{}.Decode(data, keystore.DecodeOptions{Password: password})
	if err != nil {
		return fmt.Errorf("opening the CA's key %q: %w", path, err)
	}
	if len(store.Identities) != 1 || store.Identities[0].Key == nil {
		return fmt.Errorf("opening the CA's key %q: %w", path, keystore.ErrPassword)
	}
	a.key = store.Identities[0].Key
	return nil
}
