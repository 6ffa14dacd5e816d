package inspect_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/inspect"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// nssKey is a line of `certutil -K`: the id of a key.
var nssKey = regexp.MustCompile(`(?m)^<[ 0-9]+> \w+ +([0-9a-f]{40}) `)

// nss imports with pk12util, each file into a copy of an empty database. It reads a file when all its keys are there and make
// signatures that fit their certificates; one without keys when all certificates are there.
func nss(w *workshop, samples []tried) []inspect.Answer {
	certutil, pk12util := interop.Need(w.t, "certutil"), interop.Need(w.t, "pk12util")
	empty := w.t.TempDir()
	interop.Run(w.t, w.dir, certutil, "-N", "-d", "sql:"+empty, "--empty-password")
	noise := filepath.Join(empty, "noise")
	require.NoError(w.t, os.WriteFile(noise, bytes.Repeat([]byte("noise"), 20), 0o600))
	opens := func(s tried) bool {
		dir := w.t.TempDir()
		require.NoError(w.t, os.CopyFS(dir, os.DirFS(empty)))
		db := "sql:" + dir
		if _, err := interop.Try(w.t, w.dir, pk12util, "-i", s.name, "-d", db, "-W", s.pass, "-K", ""); err != nil {
			return false
		}
		if len(s.store.Identities) == 0 {
			return strings.Count(interop.Run(w.t, w.dir, certutil, "-L", "-d", db), ",,") >= certificates(s.store)
		}
		out, err := interop.Try(w.t, w.dir, certutil, "-K", "-d", db)
		ids := nssKey.FindAllStringSubmatch(out, -1)
		if err != nil || len(ids) != len(s.store.Identities) {
			return false
		}
		for _, id := range ids {
			if !strings.HasPrefix(s.name, "kind-") && !strings.HasPrefix(s.name, "pair-") {
				break // of a kind and in a place that other files have shown to be good
			}
			out, err := interop.Try(w.t, w.dir, certutil, "-R", "-k", id[1], "-s", "CN=x", "-a", "-z", noise, "-d", db)
			block, _ := pem.Decode([]byte(out[max(0, strings.Index(out, "-----BEGIN")):]))
			if err != nil || block == nil {
				return false
			}
			request, err := x509.ParseCertificateRequest(block.Bytes)
			if err != nil || keystore.CheckRequest(request) == keystore.SignatureWrong {
				return false
			}
		}
		return true
	}
	answers := make([]inspect.Answer, len(samples))
	for i, s := range samples {
		answers[i] = yesIf(opens(s))
	}
	return answers
}

// certificates counts those of a store, each once.
func certificates(s *keystore.Store) int {
	seen := map[string]bool{}
	for _, id := range s.Identities {
		for _, c := range id.Chain {
			seen[string(c.Raw)] = true
		}
	}
	for _, a := range append(s.Anchors[:len(s.Anchors):len(s.Anchors)], s.Loose...) {
		seen[string(a.Certificate.Raw)] = true
	}
	return len(seen)
}

// gnutls asks certtool, which prints the keys as they are encrypted, and so is asked for each of them again. It reads a file
// when it opens all keys and prints all certificates.
func gnutls(w *workshop, samples []tried) []inspect.Answer {
	certtool := interop.Need(w.t, "certtool")
	opens := func(s tried) bool {
		password := []string{"--password", s.pass}
		if s.pass == "" {
			password = []string{"--empty-password"}
		}
		args := append(password[:len(password):len(password)], "--p12-info", "--infile", s.name)
		if s.name != "armoured.p12" {
			args = append(args, "--inder")
		}
		out, err := interop.Try(w.t, w.dir, certtool, args...)
		if err != nil || strings.Count(out, "PRIVATE KEY-----\n") != 2*len(s.store.Identities) ||
			strings.Count(out, "BEGIN CERTIFICATE") < certificates(s.store) {
			return false
		}
		for _, key := range strings.Split(out, "-----BEGIN ENCRYPTED PRIVATE KEY-----")[1:] {
			text := "-----BEGIN ENCRYPTED PRIVATE KEY-----" + key
			require.NoError(w.t, os.WriteFile(filepath.Join(w.dir, "gnutls.pem"), []byte(text), 0o600))
			if _, err := interop.Try(w.t, w.dir, certtool, append(password, "--key-info", "--infile", "gnutls.pem")...); err != nil {
				return false
			}
		}
		return true
	}
	answers := make([]inspect.Answer, len(samples))
	for i, s := range samples {
		answers[i] = yesIf(opens(s))
	}
	return answers
}
