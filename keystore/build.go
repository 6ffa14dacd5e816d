package keystore

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// ErrReadBack means that a file which was just encoded does not hold what it should: a mistake of a codec, caught before
// anybody uses the file.
var ErrReadBack = errors.New("what was written does not read back")

// Build encodes a store that Fit returned, and proves the result: an independent reader confirms it where there is one,
// and the codec decodes it like any stranger's file, with nothing but the passwords, and everything is compared. Errors are
// those of Encode, or wrap [ErrReadBack], or [ErrTooLarge] where nobody would read so large a file; then no bytes are returned.
//
// Each proof is made once, and the two at the same time: deriving keys from passwords is nearly all that they cost.
func Build(codec Codec, fitted *Store, opts EncodeOptions) ([]byte, error) {
	data, err := codec.Encode(fitted, opts)
	if err != nil {
		return nil, fmt.Errorf("encoding as %s: %w", codec.Name(), err)
	}
	if int64(len(data)) > DefaultLimits.Bytes {
		return nil, fmt.Errorf("encoding as %s: %d bytes, at most %d: %w", codec.Name(), len(data), DefaultLimits.Bytes, ErrTooLarge)
	}
	var confirmed error
	var confirming sync.WaitGroup
	if c, ok := codec.(Confirmer); ok {
		confirming.Go(func() { confirmed = c.Confirm(data, fitted, opts) })
	}
	err = decodes(codec, data, fitted, opts)
	confirming.Wait()
	if err := cmp.Or(err, confirmed); err != nil {
		return nil, fmt.Errorf("reading back the %s that was encoded: %w", codec.Name(), err)
	}
	return data, nil
}

// decodes fails unless the codec finds the store in the data.
func decodes(codec Codec, data []byte, fitted *Store, opts EncodeOptions) error {
	got, err := codec.Decode(data, DecodeOptions{
		Password: opts.Password, KeyPassword: opts.KeyPassword, KeyPasswords: opts.KeyPasswords, Parsed: ParsedOf(fitted),
	})
	if err != nil {
		return fmt.Errorf("%w: %v", ErrReadBack, err)
	}
	return Compare(fitted, got)
}

// Compare returns an error that wraps [ErrReadBack] and names the first entry of got that is not as in want: keys by
// their PKCS#8 bytes, certificates by their DER, and aliases, dates, types, order and chains of both.
func Compare(want, got *Store) error {
	if err := sameCount("keys", len(want.Identities), len(got.Identities)); err != nil {
		return err
	}
	for i := range want.Identities {
		if err := compareIdentity(&want.Identities[i], &got.Identities[i]); err != nil {
			return err
		}
	}
	if err := compareAnchors("trusted certificates", want.Anchors, got.Anchors); err != nil {
		return err
	}
	if err := compareAnchors("other certificates", want.Loose, got.Loose); err != nil {
		return err
	}
	if err := sameCount("other entries", len(want.Others), len(got.Others)); err != nil {
		return err
	}
	for i := range want.Others {
		w, g := &want.Others[i], &got.Others[i]
		if w.Kind != g.Kind || w.Alias != g.Alias || !bytes.Equal(w.Raw, g.Raw) {
			return differs(w.Label(), "is not the same %s", w.Kind)
		}
	}
	return nil
}

func compareIdentity(want, got *Identity) error {
	name := want.Label()
	switch {
	case want.Alias != got.Alias:
		return differs(name, "came back as %q", got.Alias)
	case want.Key == nil || got.Key == nil:
		return differs(name, "came back without its key")
	case !bytes.Equal(want.Key.PKCS8, got.Key.PKCS8):
		return differs(name, "came back with another key")
	case !want.Created.Equal(got.Created):
		return differs(name, "came back with another date")
	case len(want.Chain) != len(got.Chain):
		return differs(name, "came back with %d certificates, not %d", len(got.Chain), len(want.Chain))
	}
	for i := range want.Chain {
		if !want.Chain[i].Equal(got.Chain[i]) {
			return differs(name, "came back with another certificate at place %d of its chain", i+1)
		}
	}
	return nil
}

func compareAnchors(what string, want, got []Anchor) error {
	if err := sameCount(what, len(want), len(got)); err != nil {
		return err
	}
	for i := range want {
		switch w, g := &want[i], &got[i]; {
		case w.Alias != g.Alias:
			return differs(w.Label(), "came back as %q", g.Alias)
		case !w.Certificate.Equal(g.Certificate):
			return differs(w.Label(), "came back as another certificate")
		case !w.Created.Equal(g.Created):
			return differs(w.Label(), "came back with another date")
		}
	}
	return nil
}

func sameCount(what string, want, got int) error {
	if want != got {
		return fmt.Errorf("%w: %d %s, not %d", ErrReadBack, got, what, want)
	}
	return nil
}

func differs(entry, format string, args ...any) error {
	return fmt.Errorf("%w: entry %q %s", ErrReadBack, entry, fmt.Sprintf(format, args...))
}

// Label is what messages call the entry: its alias, else its certificate's subject or, where that is empty, the
// beginning of its fingerprint. It is never empty.
func (i *Identity) Label() string {
	switch leaf := i.Leaf(); {
	case i.Alias != "":
		return i.Alias
	case leaf != nil:
		return leaf.Label()
	}
	return "private key"
}

// Label is what messages call the entry, as [Identity.Label].
func (a *Anchor) Label() string {
	if a.Alias != "" {
		return a.Alias
	}
	return a.Certificate.Label()
}

// Label is what messages call the entry: its alias, else what it is.
func (o *Other) Label() string {
	if o.Alias != "" {
		return o.Alias
	}
	return string(o.Kind)
}

// maxLabel is the length in bytes that a subject is cut to where it names an entry. Nobody reads more, and a message for each
// of many keys must not have all of what a hostile certificate calls itself.
const maxLabel = 512

// Label is what messages call a certificate that has no alias.
func (c Certificate) Label() string {
	if subject := c.Subject(); len(subject) > maxLabel {
		return strings.ToValidUTF8(subject[:maxLabel], "") + "..."
	} else if subject != "" {
		return subject
	}
	sum := sha256.Sum256(c.Raw)
	return "sha256:" + hex.EncodeToString(sum[:8])
}
