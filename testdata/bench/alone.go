package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
	"github.com/mqttpki/mqttpki/keystore/p12file"
)

// alone runs one task of this program in a process of its own. What it took is what the task says; its memory is that of
// the process. This program itself stays small: Linux counts the memory of a parent as that of its children.
func (b *bench) alone(task string, args ...string) (cost, error) {
	self, err := os.Executable()
	if err != nil {
		return cost{}, err
	}
	c, out, err := measured("", nil, self, append([]string{"-task", task}, args...)...)
	if err != nil {
		return cost{}, fmt.Errorf("doing %s %q: %w\n%s", task, args, err, out)
	}
	_, err = fmt.Sscan(string(out), &c.wall, &c.cpu)
	return c, err
}

// tasks are what this program does alone.
var tasks = map[string]func(args []string) (cost, error){
	"make":   func(args []string) (cost, error) { return cost{}, makeTrusted(args[0], args[1]) },
	"decode": func(args []string) (cost, error) { return decodeTask(args[0]) },
	"encode": func(args []string) (cost, error) { return encodeTask(args[0]) },
	"fill": func(args []string) (cost, error) {
		return cost{}, os.WriteFile(args[0], content(args[1], args[2]), 0o600)
	},
	"detect": func(args []string) (cost, error) { return detectTask(content(args[0], args[1])) },
}

// runTask does one of them and prints what it took.
func runTask(name string, args []string) error {
	task, ok := tasks[name]
	if !ok {
		return fmt.Errorf("there is no task %q", name)
	}
	c, err := task(args)
	if err == nil {
		_, err = fmt.Println(int64(c.wall), int64(c.cpu))
	}
	return err
}

// writing are the options of what is written in PKCS12 here.
func writing() keystore.EncodeOptions {
	return keystore.EncodeOptions{Password: keystore.Secret(sourcePassword), Iterations: opensslRounds, Random: rand.Reader, Now: time.Now()}
}

// decodeTask decodes a PKCS12 file.
func decodeTask(path string) (cost, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return cost{}, err
	}
	return within(func() error {
		_, err := p12file.Codec{}.Decode(data, keystore.DecodeOptions{Password: keystore.Secret(sourcePassword)})
		return err
	})
}

// encodeTask encodes what is in a PKCS12 file, and proves the result.
func encodeTask(path string) (cost, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return cost{}, err
	}
	codec := p12file.Codec{}
	store, err := codec.Decode(data, keystore.DecodeOptions{Password: keystore.Secret(sourcePassword)})
	if err != nil {
		return cost{}, err
	}
	fitted, _, err := codec.Fit(store, writing())
	if err != nil {
		return cost{}, err
	}
	return within(func() error { _, err := keystore.Build(codec, fitted, writing()); return err })
}

// detects is how often detectTask does what takes a microsecond.
const detects = 20_000

// detectTask tells what data is.
func detectTask(data []byte) (cost, error) {
	_, _, want := formats.Detect(data)
	return within(func() error {
		for range detects {
			if _, _, err := formats.Detect(data); (err == nil) != (want == nil) {
				return fmt.Errorf("detecting: %w, and before %w", err, want)
			}
		}
		return nil
	})
}

// content is a file of so many bytes of one of the kinds in sniffed.
func content(kind, size string) []byte {
	var n int
	_, _ = fmt.Sscan(size, &n)
	at := slices.IndexFunc(sniffed, func(f beginning) bool { return f.name == kind })
	data := append(make([]byte, 0, n+1024), sniffed[at].head...)
	for len(data) < n {
		data = append(data, sniffed[at].filler...)
	}
	return data[:n]
}
