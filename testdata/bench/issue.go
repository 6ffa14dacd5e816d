package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// What the stores cost in key derivations: see keystore/p12file's profile "modern".
const (
	storeIterations  = 10_000
	storeDerivations = 8
)

// issue compares one client certificate with key and PKCS12 with openssl doing it in four processes.
func (b *bench) issue() error {
	if p := missing("openssl"); p != "" {
		fmt.Printf("  left out: %s is not on this machine\n", p)
		return nil
	}
	dir, remove, err := scratch()
	if err != nil {
		return err
	}
	defer remove()
	pass := filepath.Join(dir, "pass")
	if err := os.WriteFile(pass, []byte("bench-password\n"), 0o600); err != nil {
		return err
	}
	setup := [][]string{
		{b.mqttpki, "--pki", filepath.Join(dir, "pki"), "init-ca", "--ca-pass", "file:" + pass},
		{"openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", filepath.Join(dir, "ca.key")},
		{"openssl", "req", "-x509", "-key", filepath.Join(dir, "ca.key"), "-subj", "/CN=Bench CA", "-days", "30", "-out", filepath.Join(dir, "ca.crt")},
	}
	for _, call := range setup {
		if _, err := process(dir, nil, call[0], call[1:]...); err != nil {
			return err
		}
	}
	n := 0
	theirs := &side{name: "openssl: key, request, certificate, PKCS12", run: func() (cost, error) {
		n++
		base := filepath.Join(dir, "openssl-"+strconv.Itoa(n))
		var total cost
		for _, call := range [][]string{
			{"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", base + ".key"},
			{"req", "-new", "-key", base + ".key", "-subj", "/CN=client-" + strconv.Itoa(n), "-out", base + ".csr"},
			{"x509", "-req", "-in", base + ".csr", "-CA", filepath.Join(dir, "ca.crt"), "-CAkey", filepath.Join(dir, "ca.key"), "-days", "365", "-out", base + ".crt"},
			{"pkcs12", "-export", "-inkey", base + ".key", "-in", base + ".crt", "-certfile", filepath.Join(dir, "ca.crt"), "-passout", "file:" + pass, "-out", base + ".p12"},
		} {
			c, err := process(dir, nil, "openssl", call...)
			if err != nil {
				return cost{}, err
			}
			total.add(c)
		}
		return total, nil
	}}
	ours := &side{name: "mqttpki issue client --format p12", run: func() (cost, error) {
		n++
		return process(dir, nil, b.mqttpki, "--pki", filepath.Join(dir, "pki"), "issue", "client", "client-"+strconv.Itoa(n),
			"--format", "p12", "--ca-pass", "file:"+pass, "--store-pass", "file:"+pass)
	}}
	caKey := derivation(caKeyIterations)
	// Two stores (key and trust store), each with an encryption and a MAC of 10,000 rounds, written and read back.
	stores := derivation(storeDerivations * storeIterations)
	if err := alternate(4*b.rounds, theirs, ours, &caKey, &stores); err != nil {
		return err
	}
	for _, s := range []*side{theirs, ours, &caKey, &stores} {
		s.print()
	}
	ratio("derivations of CA and stores apart", theirs.median(wall), ours.median(wall)-caKey.median(wall)-stores.median(wall), 3)
	ratio("all included", theirs.median(wall), ours.median(wall), 0)
	return nil
}
