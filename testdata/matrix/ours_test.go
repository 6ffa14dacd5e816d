package matrix

import (
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// findOurs is our own codecs.
func findOurs(*testing.T, *material) *program {
	return &program{
		name: ours, what: "mqttpki", how: "its codecs",
		version: func(*testing.T) string { return "this one" },
		write:   writeOurs, read: readOurs,
		shows: map[string]shows{fmtPKCS12: everything, fmtJKS: everything, fmtJCEKS: everything,
			fmtPEM: {aliases: true, chains: true, all: true}, fmtCerts: flat, fmtPKCS7: flat},
	}
}

// iterations of key derivation in what we write: no reader judges them, and every one has to do them.
const iterations = 2048

func writeOurs(t *testing.T, rows []*row) {
	for _, r := range rows {
		name, profile, _ := strings.Cut(r.how, " ")
		opts := keystore.EncodeOptions{Profile: profile, Iterations: iterations, Random: rand.Reader, Now: mint.Day}
		if r.password != "" {
			opts.Password = keystore.Secret(r.password)
		}
		data, changes, err := formats.Encode(name, storeOf(t, r.want), opts)
		require.NoError(t, err, r.name())
		for _, c := range changes {
			require.NotEqual(t, keystore.ChangeLost, c.Kind, "%s: %s", r.name(), c.Why)
		}
		require.NoError(t, os.WriteFile(r.path, data, 0o600))
	}
}

// storeOf is the model of a content.
func storeOf(t *testing.T, entries []entry) *keystore.Store {
	s := &keystore.Store{}
	for _, e := range entries {
		var chain []keystore.Certificate
		for _, c := range e.chain {
			chain = append(chain, keystore.NewCertificate(c))
		}
		switch e.kind {
		case kindKey:
			key, err := keystore.NewPrivateKey(e.pkcs8)
			require.NoError(t, err)
			s.Identities = append(s.Identities, keystore.Identity{Alias: e.alias, Created: mint.Day, Key: key, Chain: chain})
		case kindTrusted:
			s.Anchors = append(s.Anchors, keystore.Anchor{Alias: e.alias, Created: mint.Day, Certificate: chain[0]})
		default:
			s.Loose = append(s.Loose, keystore.Anchor{Alias: e.alias, Certificate: chain[0]})
		}
	}
	return s
}

func readOurs(t *testing.T, rows []*row) []answer {
	var answers []answer
	for _, r := range rows {
		data, err := os.ReadFile(r.path)
		require.NoError(t, err)
		var opts keystore.DecodeOptions
		if r.password != "" {
			opts.Password = keystore.Secret(r.password)
		}
		store, _, err := formats.Decode(data, opts)
		if err != nil {
			answers = append(answers, answer{err: err.Error()})
			continue
		}
		answers = append(answers, answerOf(t, store))
	}
	return answers
}

// answerOf is a store as entries; a key that stayed locked is an error.
func answerOf(t *testing.T, s *keystore.Store) answer {
	var a answer
	for _, id := range s.Identities {
		e := entry{kind: kindKey, alias: id.Alias}
		for _, c := range id.Chain {
			e.chain = append(e.chain, c.Raw)
		}
		if id.Locked != nil {
			a.err = id.Locked.Error()
		} else {
			spki, err := publicOf(id.Key.PKCS8)
			require.NoError(t, err)
			e.spki = spki
		}
		a.entries = append(a.entries, e)
	}
	for kind, list := range map[string][]keystore.Anchor{kindTrusted: s.Anchors, kindCert: s.Loose} {
		for _, c := range list {
			a.entries = append(a.entries, entry{kind: kind, alias: c.Alias, chain: [][]byte{c.Certificate.Raw}})
		}
	}
	return a
}
