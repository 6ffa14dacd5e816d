package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// caKey is what encrypting or opening the CA's key costs where it rests (OWASP 2023 for PBKDF2-HMAC-SHA256); the old
// scripts leave it nearly unprotected.
var caKey = derivations{what: "the CA's key", pbkdf2: []int{600_000}}

// scriptStores are the stores of the own-CA path that derive keys. A PKCS12 takes one PBKDF2 and one MAC to write, and
// go-pkcs12, which reads it back, one of each again, and one more PBKDF2 where there are a key and certificates. Counted
// in a run; encoding with 10,000 rounds less the same with one takes within a twentieth of what they take together.
var scriptStores = derivations{
	what:   "the stores",
	pbkdf2: slices.Repeat([]int{storeRounds}, 3+2+1), // cltkeystore.p12, cltcatruststore.p12, cltkeystore.pem
	pkcs12: slices.Repeat([]int{storeRounds}, 2+2),
}

// storeRounds is keystore/pbe's StoreIterations, the count of Java 17.
const storeRounds = 10_000

// scripts compares the own-CA path of the batch scripts (genkeys and cacerts: CA, server, client, every store and PEM
// file, read back) with keytool and openssl doing the same, call by call.
func (b *bench) scripts() error {
	if p := missing("keytool", "openssl"); p != "" {
		fmt.Printf("  left out: %s is not on this machine\n", p)
		return nil
	}
	for _, a := range []struct{ algorithm, keys string }{{"EC", "P-256"}, {"RSA", "RSA-2048"}} {
		fmt.Printf("  -- %s\n", a.keys)
		if err := b.ownCA(a.algorithm); err != nil {
			return err
		}
	}
	return nil
}

// ownCA compares the path for one algorithm.
func (b *bench) ownCA(algorithm string) error {
	dir, remove, err := scratch()
	if err != nil {
		return err
	}
	defer remove()
	in := func(run func(dir string) (cost, error)) func() (cost, error) {
		return func() (cost, error) {
			fresh, err := os.MkdirTemp(dir, "run-")
			if err != nil {
				return cost{}, err
			}
			return run(fresh)
		}
	}
	settings := func(dir string) []string {
		return []string{"SDKRoot=" + dir, "password=bench-password", "algorithm=" + algorithm, "mqttpki=" + b.mqttpki}
	}
	theirs := &side{name: "keytool and openssl, 18 calls", run: in(func(dir string) (cost, error) { return source(dir, algorithm) })}
	ours := &side{name: "mqttpki ibm cacerts, one process", run: in(func(dir string) (cost, error) {
		variables, err := initcert(settings(dir))
		if err != nil {
			return cost{}, err
		}
		return process(dir, variables, b.mqttpki, "ibm", "cacerts")
	})}
	shell := &side{name: "genkeys.sh and cacerts.sh", run: in(func(dir string) (cost, error) {
		var total cost
		for _, script := range []string{"genkeys.sh", "cacerts.sh"} {
			c, err := process("", settings(dir), "sh", filepath.Join("scripts", script))
			if err != nil {
				return cost{}, err
			}
			total.add(c)
		}
		return total, nil
	})}
	key, stores, keys := caKey.side(), scriptStores.side(), threeKeys()
	sides := []*side{theirs, ours, shell, key, stores}
	apart, together := 150.0, 80.0
	if algorithm == "RSA" {
		sides = append(sides, keys)
		apart, together = 35, 0
	}
	for _, s := range sides[1:] {
		s.often = 5 // of RSA keys above all: some take ten times as long to find as others
	}
	if err := alternate(b.rounds, sides...); err != nil {
		return err
	}
	for _, s := range sides {
		s.print()
	}
	// The CA's key is encrypted on one core while another one does everything else, so in wall time the stores' derivations
	// are hidden behind it and cannot be taken off as well; in CPU time everything adds up.
	fmt.Println("  times faster than the calls, in one process:")
	ratio("wall, the CA's key apart", theirs.median(wall), ours.median(wall)-key.median(wall), apart)
	ratio("cpu, the CA's key and the stores apart", theirs.median(cpu), ours.median(cpu)-key.median(cpu)-stores.median(cpu), apart)
	ratio("cpu, the CA's key apart", theirs.median(cpu), ours.median(cpu)-key.median(cpu), together)
	ratio("wall, all included", theirs.median(wall), ours.median(wall), 0)
	ratio("cpu, all included", theirs.median(cpu), ours.median(cpu), 0)
	fmt.Println("  times faster than the calls, by the scripts (two processes that need the CA's key):")
	ratio("wall, the CA's key apart", theirs.median(wall), shell.median(wall)-2*key.median(wall), 10)
	ratio("cpu, the CA's key apart", theirs.median(cpu), shell.median(cpu)-2*key.median(cpu), 10)
	ratio("wall, all included", theirs.median(wall), shell.median(wall), 0)
	if algorithm == "RSA" {
		fmt.Println("  times what generating three keys at once takes:")
		atMost("wall, the CA's key apart", ours.median(wall)-key.median(wall), keys.median(wall), 1.5)
		atMost("cpu, the CA's key and the stores apart", ours.median(cpu)-key.median(cpu)-stores.median(cpu), keys.median(cpu), 1.5)
	}
	return nil
}

// initcert returns the variables that the scripts would run mqttpki with.
func initcert(settings []string) ([]string, error) {
	cmd := exec.Command("sh", "-c", ". scripts/initcert.sh && env -0")
	cmd.Env = append(os.Environ(), settings...)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("reading initcert.sh: %w", err)
	}
	return strings.Split(string(bytes.TrimRight(out, "\x00")), "\x00"), nil
}
