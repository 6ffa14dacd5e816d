package ibm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mqttpki/mqttpki/convert"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// output is one file that is to be there at the end: a store, or plain bytes.
type output struct {
	path   string
	store  *keystore.Store // nil: data is all
	codec  keystore.Codec  // of the store
	secret bool            // mode 0600
	data   []byte
	what   string // of data, for the report; found out of a store

	expires     time.Time // of data, likewise
	keyVariable string    // names the password of the store's keys, where the format lets them have their own; "": the store's

	kept     bool // the file is as it should be
	keepsOld bool // the file that is there holds a key that the new one does not
}

// write encodes what differs from what is there, commits all of it in one step, and reports. A new CA gets its folder in
// between: encrypting its key takes as long as the encoding, and no store may be seen before the inventory knows what is
// in it.
func (j *Job) write(ctx context.Context, a *authority, outputs []*output) ([]File, error) {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, o := range outputs {
		group.Go(func() error {
			if err := j.encode(o); err != nil {
				return fmt.Errorf("making %q: %w", o.path, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := a.establish(ctx); err != nil {
		return nil, err
	}
	if err := j.commit(outputs); err != nil {
		return nil, err
	}
	report := make([]File, len(outputs))
	for i, o := range outputs {
		report[i] = File{Path: o.path, What: o.what, Expires: o.expires, Kept: o.kept}
	}
	return report, nil
}

// commit writes the files that changed. An old store is backed up on the way; the backup is removed again when the new
// store holds all its keys, so that no copies of keys pile up.
func (j *Job) commit(outputs []*output) error {
	var files []safefile.File
	final := map[string]bool{} // paths whose backups hold nothing that is not in the new file
	for _, o := range outputs {
		if o.kept {
			continue
		}
		files = append(files, safefile.File{Path: o.path, Mode: o.mode(), Secret: o.secret, Data: o.data})
		final[filepath.Clean(o.path)] = !o.keepsOld
	}
	if len(files) == 0 {
		return nil
	}
	result, err := safefile.Commit(files, safefile.Options{Force: true, Now: j.Now})
	if err != nil {
		return err
	}
	for _, b := range result.Backups {
		if final[b.Of] {
			err = errors.Join(err, os.Remove(b.Path))
		}
	}
	return err
}

func (o *output) mode() fs.FileMode {
	if o.secret {
		return safefile.ModePrivate
	}
	return safefile.ModePublic
}

// encode fills in data, or finds that the file is as it should be.
func (j *Job) encode(o *output) error {
	if o.kept {
		return nil
	}
	old, err := safefile.Read(o.path, 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !safefile.IsEmpty(err) {
		return err
	}
	if o.store == nil {
		o.kept = bytes.Equal(old, o.data) && o.hasMode()
		return nil
	}
	opts := keystore.EncodeOptions{
		Random: j.Random, Now: j.Now(),
		Iterations: pbe.StoreIterations, // the PEM file too: the same key lies beside it in a PKCS12 that has no more
	}
	if opts.Password, opts.KeyPassword, err = j.passwords(o); err != nil {
		return err
	}
	fitted, changes, err := o.codec.Fit(o.store, opts)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if c.Kind == keystore.ChangeLost {
			return fmt.Errorf("entry %q: %w: %s", c.Entry, convert.ErrLoss, c.Why)
		}
	}
	o.what, o.expires = describe(fitted)
	if len(old) > 0 && o.holds(fitted, old, opts) {
		return nil
	}
	o.data, err = keystore.Build(o.codec, fitted, opts)
	return err
}

// holds compares the file that is there with the store that is to be, and sets kept and keepsOld.
func (o *output) holds(want *keystore.Store, old []byte, opts keystore.EncodeOptions) bool {
	have, err := o.codec.Decode(old, keystore.DecodeOptions{Password: opts.Password, KeyPassword: opts.KeyPassword})
	o.kept = err == nil && keystore.Compare(undated(want), undated(have)) == nil && o.codec.Sniff(old) && o.hasMode()
	o.keepsOld = err != nil || !containsKeys(want, have)
	return o.kept
}

// undated is the store without the dates of its entries: where nothing else says when a trusted certificate came in, its
// date is that of the first run.
func undated(s *keystore.Store) *keystore.Store {
	u := *s
	u.Identities, u.Anchors = slices.Clone(s.Identities), slices.Clone(s.Anchors)
	for i := range u.Identities {
		u.Identities[i].Created = time.Time{}
	}
	for i := range u.Anchors {
		u.Anchors[i].Created = time.Time{}
	}
	return &u
}

// hasMode reports whether the file has the mode that it is to have.
func (o *output) hasMode() bool {
	info, err := os.Stat(o.path)
	return err == nil && (runtime.GOOS == "windows" || info.Mode().Perm() == o.mode())
}

// passwords returns those of a store and of its keys.
func (j *Job) passwords(o *output) (store, key keystore.Secret, err error) {
	if store, err = j.Passwords.Of(j.passwordOfFile[o.path]); err != nil || o.keyVariable == "" {
		return store, store, err
	}
	key, err = j.Passwords.Of(o.keyVariable)
	return store, key, err
}

// containsKeys reports whether every private key of old is in s.
func containsKeys(s, old *keystore.Store) bool {
	for i := range old.Identities {
		held := old.Identities[i].Key != nil && slices.ContainsFunc(s.Identities, func(id keystore.Identity) bool {
			return bytes.Equal(id.Key.PKCS8, old.Identities[i].Key.PKCS8)
		})
		if !held {
			return false
		}
	}
	return true
}

// describe names the entries of a store, and when the first of their certificates expires.
func describe(s *keystore.Store) (what string, expires time.Time) {
	var parts []string
	soonest := func(c keystore.Certificate) {
		if c.X509 != nil && (expires.IsZero() || c.X509.NotAfter.Before(expires)) {
			expires = c.X509.NotAfter
		}
	}
	for i := range s.Identities {
		parts = append(parts, "key "+s.Identities[i].Alias)
		for _, c := range s.Identities[i].Chain {
			soonest(c)
		}
	}
	for i := range s.Anchors {
		parts = append(parts, "trusted "+s.Anchors[i].Alias)
		soonest(s.Anchors[i].Certificate)
	}
	return strings.Join(parts, ", "), expires
}
