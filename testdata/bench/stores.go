package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/jksfile"
)

const (
	clientStores = 1000   // converted by us at once
	sampleStores = 5      // of them, converted by the others one by one
	keyRounds    = 10_000 // PBKDF2 rounds of the PEM keys, on both sides
)

// stores compares the conversion of 1,000 client stores from JKS to PEM with encrypted keys, with keytool and openssl
// doing it, and with the bare derivations and ciphers that it cannot do without.
func (b *bench) stores() error {
	if p := missing("keytool", "openssl"); p != "" {
		fmt.Printf("  left out: %s is not on this machine\n", p)
		return nil
	}
	dir, remove, err := scratch()
	if err != nil {
		return err
	}
	defer remove() // at the very end: ext4 makes new files slowly where many were removed in the last minutes
	for _, a := range []struct{ algorithm, keys string }{{"EC", "P-256"}, {"RSA", "RSA-2048"}} {
		fmt.Printf("  -- %s: each figure is for one store\n", a.keys)
		if err := b.clientStores(filepath.Join(dir, a.algorithm), a.algorithm); err != nil {
			return err
		}
	}
	return nil
}

// clientStores compares for the keys of one algorithm, in a new folder dir.
func (b *bench) clientStores(dir, algorithm string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if err := makeClientStores(filepath.Join(dir, "jks"), algorithm); err != nil {
		return err
	}
	pass, err := passwordFile(dir)
	if err != nil {
		return err
	}
	n := 0
	theirs := &side{name: fmt.Sprintf("keytool and openssl, 4 calls, %d stores", sampleStores), run: func() (cost, error) {
		n++
		return each(sampleStores, func(i int) (cost, error) {
			return convertByCalls(filepath.Join(dir, "jks", storeName(i)), filepath.Join(dir, "theirs-"+strconv.Itoa(n)), i)
		})
	}}
	ours := &side{name: fmt.Sprintf("mqttpki convert, one call, %d stores", clientStores), run: func() (cost, error) {
		n++
		c, err := process(dir, nil, b.mqttpki, "convert", "jks", "pem", "--in-dir", "jks", "--out-dir", "ours-"+strconv.Itoa(n),
			"--in-pass", "file:"+pass, "--out-pass", "file:"+pass, "--iterations", strconv.Itoa(keyRounds))
		return c.per(clientStores), err
	}}
	bare := &side{name: "bare derivations and ciphers, two each", often: 2, run: func() (cost, error) {
		c, err := within(bareStores)
		return c.per(clientStores), err
	}}
	sides := []*side{theirs, ours, bare}
	if err := alternate(b.rounds, sides...); err != nil {
		return err
	}
	for _, s := range sides {
		s.print()
	}
	fmt.Println("  times the throughput of the calls:")
	ratio("wall, on every core against one by one", theirs.median(wall), ours.median(wall), 200)
	ratio("cpu, as if the calls had every core too", theirs.median(cpu), ours.median(cpu), 0)
	ratio("cpu, of the bare work alone", theirs.median(cpu), bare.median(cpu), 0)
	fmt.Println("  share of the rate of the bare work:")
	atLeast("wall", bare.median(wall), ours.median(wall), 0.7)
	atLeast("cpu", bare.median(cpu), ours.median(cpu), 0.7)
	return nil
}

// makeClientStores writes JKS files as keytool leaves them: a key, its certificate and that of the CA. RSA keys, which
// take long to find, are few and used in turn.
func makeClientStores(dir, algorithm string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	key, err := newKey(algorithm)
	if err != nil {
		return err
	}
	ca, err := newParty("Bench CA", 1, key, nil)
	if err != nil {
		return err
	}
	for i := range clientStores {
		if algorithm == "EC" || i < 8 {
			if key, err = newKey(algorithm); err != nil {
				return err
			}
		}
		client, err := newParty(fmt.Sprintf("client-%04d", i), int64(i+2), key, ca)
		if err != nil {
			return err
		}
		id, err := client.identity("client", ca)
		if err != nil {
			return err
		}
		opts := keystore.EncodeOptions{Password: keystore.Secret(sourcePassword), Random: rand.Reader, Now: time.Now()}
		data, err := jksfile.Codec{}.Encode(&keystore.Store{Identities: []keystore.Identity{id}}, opts)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, storeName(i)), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func storeName(i int) string { return fmt.Sprintf("client-%04d.jks", i) }

// passwordFile keeps sourcePassword where mqttpki can be told to find it.
func passwordFile(dir string) (string, error) {
	path := filepath.Join(dir, "pass")
	return path, os.WriteFile(path, []byte(sourcePassword+"\n"), 0o600)
}

// each does n of a thing and returns what one took on average.
func each(n int, do func(i int) (cost, error)) (cost, error) {
	var total cost
	for i := range n {
		c, err := do(i)
		if err != nil {
			return cost{}, err
		}
		total.add(c)
	}
	return total.per(n), nil
}

// convertByCalls does with keytool and openssl what mqttpki does to one store, but for reading the result back: JKS to
// PKCS12 (Java 17 and later derive with 10,000 rounds too), its certificates to PEM, and its key by way of a plain one to
// PKCS#8 encrypted anew, since openssl pkcs12 encrypts keys with 2,048 rounds, which no option changes.
func convertByCalls(store, dir string, i int) (cost, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return cost{}, err
	}
	base := filepath.Join(dir, strconv.Itoa(i))
	var total cost
	for _, call := range [][]string{
		{"keytool", "-importkeystore", "-noprompt", "-srckeystore", store, "-srcstoretype", "jks", "-srcstorepass", sourcePassword,
			"-destkeystore", base + ".p12", "-deststoretype", "pkcs12", "-deststorepass", sourcePassword},
		{"openssl", "pkcs12", "-in", base + ".p12", "-passin", "pass:" + sourcePassword, "-nokeys", "-out", base + ".crt"},
		{"openssl", "pkcs12", "-in", base + ".p12", "-passin", "pass:" + sourcePassword, "-nocerts", "-nodes", "-out", base + ".plain"},
		{"openssl", "pkcs8", "-topk8", "-in", base + ".plain", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256",
			"-iter", strconv.Itoa(keyRounds), "-passout", "pass:" + sourcePassword, "-out", base + ".key"},
	} {
		c, err := process(dir, nil, call[0], call[1:]...)
		if err != nil {
			return cost{}, err
		}
		total.add(c)
	}
	return total, nil
}

// bareStores is the work that the conversion cannot do without, on every core: for each store a derivation and a cipher
// to write the key, and the same to read it back.
func bareStores() error {
	next := make(chan int)
	errs := make([]error, runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	for w := range errs {
		workers.Go(func() {
			for range next {
				if errs[w] == nil {
					errs[w] = bareStore()
				}
			}
		})
	}
	for i := range clientStores {
		next <- i
	}
	close(next)
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// bareStore is bareStores for one.
func bareStore() error {
	plain := make([]byte, 144) // a P-256 key as PKCS#8; of RSA 1.2 KiB, whose encryption takes a microsecond more
	salt, iv := make([]byte, 16), make([]byte, aes.BlockSize)
	_, _ = rand.Read(salt)
	_, _ = rand.Read(iv)
	data := slices.Clone(plain)
	for _, mode := range []func(cipher.Block, []byte) cipher.BlockMode{cipher.NewCBCEncrypter, cipher.NewCBCDecrypter} {
		key, err := pbkdf2.Key(sha256.New, sourcePassword, salt, keyRounds, 32)
		if err != nil {
			return err
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return err
		}
		mode(block, iv).CryptBlocks(data, data)
	}
	if !slices.Equal(data, plain) {
		return fmt.Errorf("the bare work does not decrypt what it encrypted")
	}
	return nil
}
