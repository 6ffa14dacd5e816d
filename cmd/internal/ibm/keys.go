package ibm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// lockWait is how long one script waits for another one that works in the same folder.
const lockWait = 30 * time.Second

// lockName is the file in certpath that scripts which write hold a lock on.
const lockName = ".mqttpki.lock"

// GenKeys makes the client's, the server's and the CA's key where they are missing, each in its store with a
// certificate: the CA's own, and self-signed ones until one of the paths replaces them.
func (j *Job) GenKeys(ctx context.Context) (*Report, error) {
	return j.make(ctx, func(k *keys, r *Report) ([]*output, error) {
		for _, h := range k.leaves() {
			if h.id.Leaf() == nil {
				if err := j.selfSign(h, r); err != nil {
					return nil, err
				}
			}
		}
		return []*output{j.keyStore(k.client, nil), j.keyStore(k.server, nil)}, nil
	})
}

// make finds or makes the keys, has certify decide what files there are to be beside the CA's key store, and writes
// them, while no other script works in certpath.
func (j *Job) make(ctx context.Context, certify func(*keys, *Report) ([]*output, error)) (r *Report, err error) {
	if err := os.MkdirAll(j.Dir, safefile.ModeDir); err != nil {
		return nil, fmt.Errorf("making the folder for certificates: %w", err)
	}
	held, err := safefile.Lock(ctx, filepath.Join(j.Dir, lockName), lockWait)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, held.Release()) }()
	r = &Report{}
	k, err := j.keys(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, k.ca.close()) }()
	outputs, err := j.caKeyStore(k, r)
	if err != nil {
		return nil, err
	}
	rest, err := certify(k, r)
	if err != nil {
		return nil, err
	}
	if r.Files, err = j.write(ctx, k.ca, append(outputs, rest...)); err != nil {
		return nil, err
	}
	if j.Passwords.Made() {
		r.Notices = append(r.Notices, fmt.Sprintf("a password was made up for all stores and keys; it is in %s", j.Password))
	}
	return r, nil
}

// keys are the three keys, with what their stores held before.
type keys struct {
	server, client *holder
	ca             *authority
}

func (k *keys) leaves() []*holder { return []*holder{k.client, k.server} }

// keys finds the three keys, or makes those that are missing, at once: of RSA keys that is nearly all the time there is.
func (j *Job) keys(ctx context.Context, r *Report) (*keys, error) {
	server, err := j.holder(j.Server, ca.RoleServer)
	if err != nil {
		return nil, err
	}
	client, err := j.holder(j.Client, ca.RoleClient)
	if err != nil {
		return nil, err
	}
	k := &keys{server: server, client: client}
	if k.ca, err = j.openCA(ctx); err != nil {
		return nil, err
	}
	var group errgroup.Group
	for _, h := range k.leaves() {
		group.Go(func() error { return j.makeKey(h) })
	}
	group.Go(func() error {
		if k.ca != nil {
			return nil
		}
		made, err := j.makeCA(r)
		k.ca = made
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return k, nil
}

// keyStore is a party's key store as it is to be.
func (j *Job) keyStore(h *holder, trust *keystore.Anchor, without ...string) *output {
	return &output{path: h.KeyStore, codec: jksCodec, secret: true, store: h.store(trust, without...), keyVariable: h.KeyPassword}
}

// selfSign gives the party a certificate of its own making.
func (j *Job) selfSign(h *holder, r *Report) error {
	cert, notices, err := ca.SelfSign(ca.Profile{}, j.request(h), h.id.Key, j.Now(), j.Random)
	if err != nil {
		return err
	}
	r.tell(notices)
	h.id.Chain = []keystore.Certificate{{Raw: cert.Raw, X509: cert}}
	return nil
}

// request is what the party's certificates are to say.
func (j *Job) request(h *holder) ca.Request {
	return ca.Request{
		Role: h.role, Name: h.name, Subject: h.subject, SANs: h.sans,
		PublicKey: h.id.Key.Signer.Public(), Validity: j.Validity,
		AllowName: true, // the subject was typed for this very client; what its name breaks is said
	}
}

// tell adds what the ca package has to say to the report.
func (r *Report) tell(notices []ca.Notice) {
	for _, n := range notices {
		if n.Warning {
			r.Warnings = append(r.Warnings, n.Text)
		} else {
			r.Notices = append(r.Notices, n.Text)
		}
	}
}

// caKeyStore is the store with the copy of the CA's key, unless it is to be left out.
func (j *Job) caKeyStore(k *keys, r *Report) ([]*output, error) {
	if j.CAKeyStore == "" {
		return nil, nil
	}
	r.Warnings = append(r.Warnings, fmt.Sprintf("%s holds the CA's key, and a JKS file protects it weakly: whoever reads it "+
		"can try passwords fast. Nothing here needs it; leave it out with cajkskeystore=%s", j.CAKeyStore, NoCAKeyStore))
	if j.hasCAKeyStore(k.ca) {
		return []*output{{path: j.CAKeyStore, kept: true, what: "key " + j.CA.Alias}}, nil
	}
	id, err := k.ca.identity()
	if err != nil {
		return nil, err
	}
	id.Alias = j.CA.Alias
	return []*output{{
		path: j.CAKeyStore, codec: jksCodec, secret: true, keyVariable: j.CA.KeyPassword,
		store: &keystore.Store{Identities: []keystore.Identity{id}},
	}}, nil
}

// hasCAKeyStore reports whether the store is there, a JKS, and holds the CA's key, which then need not be decrypted.
func (j *Job) hasCAKeyStore(a *authority) bool {
	data, err := safefile.Read(j.CAKeyStore, 0)
	if err != nil || !jksCodec.Sniff(data) {
		return false
	}
	store, err := j.decode(j.CAKeyStore, j.CA.KeyPassword, data)
	if err != nil || len(store.Identities) != 1 || len(store.Anchors) != 0 {
		return false
	}
	leaf := store.Identities[0].Leaf()
	return store.Identities[0].Key != nil && store.Identities[0].Alias == j.CA.Alias && leaf != nil && leaf.Equal(a.certificate())
}
