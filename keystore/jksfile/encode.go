package jksfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// Encode writes a store that Fit returned as a JKS file of version 2, identities first. It needs a password, which may
// be empty; a key has its own of opts.KeyPasswords, else opts.KeyPassword, else the store's.
func (Codec) Encode(s *keystore.Store, opts keystore.EncodeOptions) ([]byte, error) {
	data, err := encode(s, opts)
	if err != nil {
		return nil, fmt.Errorf("writing a JKS file: %w", err)
	}
	return data, nil
}

// encode builds the file.
func encode(s *keystore.Store, opts keystore.EncodeOptions) ([]byte, error) {
	if !opts.Password.Given() {
		return nil, fmt.Errorf("without a password: %w", keystore.ErrUnsupported)
	}
	if opts.Profile != "" {
		return nil, fmt.Errorf("profile %q: %w", opts.Profile, keystore.ErrUnsupported)
	}
	if len(s.Loose) > 0 || len(s.Others) > 0 {
		return nil, errors.New("the store was not fitted to JKS")
	}
	password16, err := utf16Password(opts.Password)
	if err != nil {
		return nil, err
	}
	e := &encoder{}
	e.u32(magicJKS)
	e.u32(2)
	e.u32(uint32(len(s.Identities) + len(s.Anchors)))
	for i := range s.Identities {
		e.identity(&s.Identities[i], keyPassword(s.Identities[i].Alias, opts), opts.Random)
	}
	for _, a := range s.Anchors {
		e.head(tagTrusted, a.Alias, a.Created)
		e.certificate(a.Certificate)
	}
	if e.err != nil {
		return nil, e.err
	}
	digest := newDigest(password16)
	digest.Write(e.out)
	return digest.Sum(e.out), nil
}

// keyPassword is the one that protects the key of an alias.
func keyPassword(alias string, opts keystore.EncodeOptions) keystore.Secret {
	switch own := opts.KeyPasswords[alias]; {
	case own.Given():
		return own
	case opts.KeyPassword.Given():
		return opts.KeyPassword
	}
	return opts.Password
}

// encoder appends to a file; the first error stays.
type encoder struct {
	out []byte
	err error
}

// u32 appends four bytes.
func (e *encoder) u32(v uint32) { e.out = binary.BigEndian.AppendUint32(e.out, v) }

// text appends a string with its length.
func (e *encoder) text(s string) {
	out, ok := appendString(e.out, s)
	if !ok {
		e.err = fmt.Errorf("name of %d bytes: %w", len(s), keystore.ErrTooLarge)
	}
	e.out = out
}

// block appends bytes with their length.
func (e *encoder) block(b []byte) {
	e.u32(uint32(len(b)))
	e.out = append(e.out, b...)
}

// head appends what every entry begins with.
func (e *encoder) head(tag uint32, alias string, created time.Time) {
	e.u32(tag)
	e.text(alias)
	var ms int64
	if !created.IsZero() {
		ms = created.UnixMilli()
	}
	e.out = binary.BigEndian.AppendUint64(e.out, uint64(ms))
}

// identity appends a private key with its chain.
func (e *encoder) identity(i *keystore.Identity, password keystore.Secret, random io.Reader) {
	if i.Key == nil || len(i.Chain) == 0 {
		e.err = fmt.Errorf("alias %q: the store was not fitted to JKS", i.Alias)
		return
	}
	password16, err := utf16Password(password)
	var sealed []byte
	if err == nil {
		sealed, err = sealSun(i.Key.PKCS8, password16, random)
	}
	if err != nil {
		e.err = fmt.Errorf("alias %q: %w", i.Alias, err)
		return
	}
	e.head(tagKey, i.Alias, i.Created)
	e.block(sealed)
	e.u32(uint32(len(i.Chain)))
	for _, c := range i.Chain {
		e.certificate(c)
	}
}

// certificate appends one certificate.
func (e *encoder) certificate(c keystore.Certificate) {
	e.text("X.509")
	e.block(c.Raw)
}
