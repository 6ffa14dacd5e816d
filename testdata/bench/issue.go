package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// issueStores are NAME.p12 and truststore.p12; see scriptStores.
var issueStores = derivations{
	what:   "the stores",
	pbkdf2: slices.Repeat([]int{storeRounds}, 3+2),
	pkcs12: slices.Repeat([]int{storeRounds}, 2+2),
}

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
	key, stores := caKey.side(), issueStores.side()
	sides := []*side{theirs, ours, key, stores}
	if err := alternate(4*b.rounds, sides...); err != nil {
		return err
	}
	for _, s := range sides {
		s.print()
	}
	fmt.Println("  times faster than the four processes:")
	// The two stores are written at once: on two cores or more that takes half of what their derivations take.
	ratio("wall, the CA's key and the stores apart", theirs.median(wall), ours.median(wall)-key.median(wall)-stores.median(wall)/2, 3)
	ratio("cpu, the CA's key and the stores apart", theirs.median(cpu), ours.median(cpu)-key.median(cpu)-stores.median(cpu), 3)
	ratio("wall, all included", theirs.median(wall), ours.median(wall), 0)
	return nil
}
