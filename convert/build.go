package convert

import (
	"bytes"
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// Build encodes the plan's store, decodes the result again and compares the two, whatever checks the codec makes of its
// own. An error that wraps [ErrReadBack] means that the bytes are wrong; none are returned.
func (p *Plan) Build() ([]byte, error) {
	return build(p.recipe.Target, p.store, p.recipe.Options)
}

// build is Build for any fitted store.
func build(target keystore.Codec, s *keystore.Store, opts keystore.EncodeOptions) ([]byte, error) {
	data, err := target.Encode(s, opts)
	if err != nil {
		return nil, fmt.Errorf("encoding as %s: %w", target.Name(), err)
	}
	got, err := target.Decode(data, keystore.DecodeOptions{Password: opts.Password, KeyPassword: opts.KeyPassword})
	if err != nil {
		return nil, fmt.Errorf("reading back the %s that was encoded: %w: %v", target.Name(), ErrReadBack, err)
	}
	if err := Compare(s, got); err != nil {
		return nil, fmt.Errorf("reading back the %s that was encoded: %w", target.Name(), err)
	}
	return data, nil
}

// Compare returns an error that wraps [ErrReadBack] and names the first entry of got that is not as in want: keys by
// their PKCS#8 bytes, certificates by their DER, and aliases, types, order and chains of both.
func Compare(want, got *keystore.Store) error {
	if err := sameCount("keys", len(want.Identities), len(got.Identities)); err != nil {
		return err
	}
	for i := range want.Identities {
		if err := compareIdentity(&want.Identities[i], &got.Identities[i]); err != nil {
			return err
		}
	}
	if err := compareCertificates("trusted certificates", want.Anchors, got.Anchors); err != nil {
		return err
	}
	if err := compareCertificates("other certificates", want.Loose, got.Loose); err != nil {
		return err
	}
	if err := sameCount("other entries", len(want.Others), len(got.Others)); err != nil {
		return err
	}
	for i := range want.Others {
		w, g := &want.Others[i], &got.Others[i]
		if w.Kind != g.Kind || w.Alias != g.Alias || !bytes.Equal(w.Raw, g.Raw) {
			return differs(otherEntry(w).Name, "is not the same %s", w.Kind)
		}
	}
	return nil
}

func compareIdentity(want, got *keystore.Identity) error {
	name := identityName(want)
	switch {
	case want.Alias != got.Alias:
		return differs(name, "came back as %q", got.Alias)
	case want.Key == nil || got.Key == nil:
		return differs(name, "came back without its key")
	case !bytes.Equal(want.Key.PKCS8, got.Key.PKCS8):
		return differs(name, "came back with another key")
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

func compareCertificates(what string, want, got []keystore.Anchor) error {
	if err := sameCount(what, len(want), len(got)); err != nil {
		return err
	}
	for i := range want {
		name := certificateName(want[i].Alias, &want[i].Certificate)
		if want[i].Alias != got[i].Alias {
			return differs(name, "came back as %q", got[i].Alias)
		}
		if !want[i].Certificate.Equal(got[i].Certificate) {
			return differs(name, "came back as another certificate")
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
