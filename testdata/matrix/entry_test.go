package matrix

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

// The kinds of entries.
const (
	kindKey     = "key"
	kindTrusted = "trusted" // a certificate marked as trusted
	kindCert    = "cert"    // any other certificate that is not in a key's chain
)

// entry is one thing in a file: as it was put there, or as a reader shows it.
type entry struct {
	kind  string
	alias string   // "" where the format or the reader has none
	pkcs8 []byte   // of a key that is to be written
	spki  []byte   // the public key of a key, by which keys are compared
	chain [][]byte // certificates in DER: the key's own first; one for the other kinds
}

// shows is what a reader lets one see of a file, beside its keys.
type shows struct {
	aliases bool // the names of keys and trusted certificates
	chains  bool // which certificates belong to a key, in order; else at most its own
	types   bool // whether a certificate is trusted
	all     bool // every certificate, also those outside the chains
}

// publicOf returns the SubjectPublicKeyInfo of a private key in any of the encodings that programs print.
func publicOf(der []byte) ([]byte, error) {
	var failures []error
	for _, parse := range []func([]byte) (any, error){
		x509.ParsePKCS8PrivateKey,
		func(b []byte) (any, error) { return x509.ParseECPrivateKey(b) },
		func(b []byte) (any, error) { return x509.ParsePKCS1PrivateKey(b) },
	} {
		key, err := parse(der)
		if err == nil {
			return x509.MarshalPKIXPublicKey(key.(crypto.Signer).Public())
		}
		failures = append(failures, err)
	}
	if _, err := x509.ParsePKIXPublicKey(der); err == nil {
		return der, nil // a reader that proves that it has the key without giving it away
	}
	return nil, fmt.Errorf("a key that cannot be read: %w", errors.Join(failures...))
}

// fingerprint is the SHA-256 of a certificate or public key, short for messages.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:4])
}

// differences says how what a reader shows is not what was put into the file, judging only what it can show.
func differences(want, got []entry, s shows) []string {
	var found []string
	add := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	keys := 0
	for _, w := range want {
		if w.kind != kindKey {
			continue
		}
		keys++
		i := slices.IndexFunc(got, func(g entry) bool { return g.kind == kindKey && bytes.Equal(g.spki, w.spki) })
		if i < 0 {
			add("key %s is missing", w.alias)
			continue
		}
		g := got[i]
		if s.aliases && w.alias != "" && g.alias != w.alias {
			add("key %s is called %q", w.alias, g.alias)
		}
		switch {
		case s.chains && !slices.EqualFunc(g.chain, w.chain, bytes.Equal):
			add("key %s has a chain of %d, not %d, or another", w.alias, len(g.chain), len(w.chain))
		case len(g.chain) > 0 && (len(w.chain) == 0 || !bytes.Equal(g.chain[0], w.chain[0])):
			add("key %s has another certificate", w.alias)
		}
	}
	if n := count(got, kindKey); n > keys {
		add("%d keys too many", n-keys)
	}
	if s.types {
		found = append(found, trustDifferences(want, got, s)...)
	}
	if s.all {
		missing, extra := setDifference(want, got)
		if len(missing) > 0 {
			add("%d certificates are missing", len(missing))
		}
		if len(extra) > 0 {
			add("%d certificates too many", len(extra))
		}
	}
	return found
}

// trustDifferences compares the entries that are certificates, by their types.
func trustDifferences(want, got []entry, s shows) []string {
	var found []string
	for _, kind := range []string{kindTrusted, kindCert} {
		if w, g := count(want, kind), count(got, kind); w != g {
			found = append(found, fmt.Sprintf("%d %s entries, not %d", g, kind, w))
		}
	}
	for _, w := range want {
		if w.kind != kindTrusted {
			continue
		}
		same := func(g entry) bool { return g.kind == kindTrusted && bytes.Equal(g.chain[0], w.chain[0]) }
		i := slices.IndexFunc(got, same)
		switch {
		case i < 0:
			found = append(found, fmt.Sprintf("%s is not shown as trusted", w.alias))
		case s.aliases && w.alias != "" && got[i].alias != w.alias:
			found = append(found, fmt.Sprintf("%s is called %q", w.alias, got[i].alias))
		}
	}
	return found
}

// setDifference compares all certificates, wherever they are and however often.
func setDifference(want, got []entry) (missing, extra []string) {
	w, g := certificates(want), certificates(got)
	for c := range w {
		if !g[c] {
			missing = append(missing, c)
		}
	}
	for c := range g {
		if !w[c] {
			extra = append(extra, c)
		}
	}
	return missing, extra
}

// certificates are the fingerprints of all certificates of the entries.
func certificates(entries []entry) map[string]bool {
	set := map[string]bool{}
	for _, e := range entries {
		for _, c := range e.chain {
			set[fingerprint(c)] = true
		}
	}
	return set
}

// count returns how many entries are of a kind.
func count(entries []entry, kind string) int {
	n := 0
	for _, e := range entries {
		if e.kind == kind {
			n++
		}
	}
	return n
}
