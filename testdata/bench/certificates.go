package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/jksfile"
	"github.com/mqttpki/mqttpki/keystore/p12file"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
)

const (
	opensslRounds = 2048   // of key derivation and MAC that openssl pkcs12 writes; ours is told to do the same
	storeSize     = 10_000 // certificates of the trust store that is compared with keytool
)

// certificates reads and writes PKCS12 files of many certificates, beside openssl, and a JKS trust store beside keytool.
func (b *bench) certificates() error {
	dir, remove, err := scratch()
	if err != nil {
		return err
	}
	defer remove()
	if _, err := passwordFile(dir); err != nil {
		return err
	}
	var all []*sized
	for _, n := range []int{1000, storeSize, 10 * storeSize} {
		s := &sized{bench: b, count: n, dir: dir}
		if _, err := b.alone("make", s.path(""), strconv.Itoa(n)); err != nil {
			return err
		}
		fmt.Printf("  -- %d certificates\n", n)
		rounds := b.rounds
		if n > storeSize {
			rounds = 1 + b.rounds/5 // openssl takes ten seconds for each
		}
		if err := s.compare(rounds); err != nil {
			return err
		}
		all = append(all, s)
	}
	fmt.Println("  -- linear: what one certificate costs in the largest file, against the one of a tenth of its size")
	small, large := all[len(all)-2], all[len(all)-1]
	for i, s := range large.ours {
		s.printLinear(small.ours[i], small.count, large.count)
	}
	fmt.Printf("  -- a JKS trust store of %d certificates to PKCS12\n", storeSize)
	return b.trustStore(small)
}

// sized is one number of certificates, and the files that hold them.
type sized struct {
	*bench
	count int
	dir   string
	ours  []*side // the same for each number
}

// path names the file of an ending.
func (s *sized) path(ending string) string {
	return filepath.Join(s.dir, "trust-"+strconv.Itoa(s.count)+ending)
}

// makeTrusted writes so many trusted certificates to base.p12, base.pem and base.jks.
func makeTrusted(base, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	anchors, err := trusted(n)
	if err != nil {
		return err
	}
	for _, codec := range []keystore.Codec{p12file.Codec{}, pemfile.Codec{}, jksfile.Codec{}} {
		fitted, _, err := codec.Fit(&keystore.Store{Anchors: anchors}, writing())
		if err != nil {
			return err
		}
		data, err := codec.Encode(fitted, writing())
		if err != nil {
			return err
		}
		if err := os.WriteFile(base+codec.Extensions()[0], data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// compare measures our codec alone, our command, and openssl.
func (s *sized) compare(rounds int) error {
	decode := &side{name: "the codec alone decodes", run: func() (cost, error) { return s.alone("decode", s.path(".p12")) }}
	encode := &side{name: "the codec alone encodes, and proves it", run: func() (cost, error) { return s.alone("encode", s.path(".p12")) }}
	read, write := s.command("p12", ".p12", "pem", ".pem"), s.command("pem", ".pem", "p12", ".p12")
	s.ours = []*side{decode, encode, read, write}
	sides := s.ours
	theirRead, theirWrite := s.openssl("-nokeys", ".p12", "-passin"), s.openssl("-export -nokeys", ".pem", "-passout")
	with := missing("openssl") == ""
	if with {
		sides = append(sides, theirRead, theirWrite)
	}
	if err := alternate(rounds, sides...); err != nil {
		return err
	}
	for _, side := range sides {
		side.print()
	}
	if !with {
		fmt.Println("  openssl is not on this machine")
		return nil
	}
	fmt.Println("  times what openssl takes:")
	for _, f := range []struct {
		name   string
		figure func(cost) float64
	}{{"wall", wall}, {"cpu", cpu}} {
		atMost(f.name+", reading", read.median(f.figure), theirRead.median(f.figure), 1.5)
		atMost(f.name+", writing", write.median(f.figure), theirWrite.median(f.figure), 1.5)
	}
	// No goal: openssl proves nothing, and ours holds what it read and what it wrote to compare the two.
	ratio("memory, reading", read.median(rss), theirRead.median(rss), 0)
	ratio("memory, writing", write.median(rss), theirWrite.median(rss), 0)
	return nil
}

// command is mqttpki converting from one format into another.
func (s *sized) command(from, fromEnding, to, toEnding string) *side {
	n := 0
	return &side{name: "mqttpki convert " + from + " " + to, run: func() (cost, error) {
		n++
		args := []string{"convert", from, to, s.path(fromEnding), s.path("-" + to + strconv.Itoa(n) + toEnding), "--quiet",
			"--in-pass", "file:pass", "--out-pass", "file:pass"}
		if to == "p12" {
			args = append(args, "--iterations", strconv.Itoa(opensslRounds))
		}
		return process(s.dir, nil, s.mqttpki, args...)
	}}
}

// openssl is its pkcs12 command.
func (s *sized) openssl(what, ending, passFlag string) *side {
	n := 0
	return &side{name: "openssl pkcs12 " + what, run: func() (cost, error) {
		n++
		args := append([]string{"pkcs12"}, strings.Fields(what)...)
		return process(s.dir, nil, "openssl", append(args, "-in", s.path(ending), passFlag, "file:pass",
			"-out", s.path("-openssl"+strconv.Itoa(n)+passFlag))...)
	}}
}

// trustStore compares with keytool.
func (b *bench) trustStore(s *sized) error {
	if p := missing("keytool"); p != "" {
		fmt.Printf("  left out: %s is not on this machine\n", p)
		return nil
	}
	n := 0
	theirs := &side{name: "keytool -importkeystore", run: func() (cost, error) {
		n++
		return process(s.dir, nil, "keytool", "-importkeystore", "-noprompt", "-srckeystore", s.path(".jks"), "-srcstoretype", "jks",
			"-srcstorepass", sourcePassword, "-destkeystore", s.path("-keytool"+strconv.Itoa(n)+".p12"), "-deststoretype", "pkcs12",
			"-deststorepass", sourcePassword)
	}}
	ours := &side{name: "mqttpki convert jks p12", often: 3, run: func() (cost, error) {
		n++
		return process(s.dir, nil, b.mqttpki, "convert", "jks", "p12", s.path(".jks"), s.path("-ours"+strconv.Itoa(n)+".p12"), "--quiet",
			"--in-pass", "file:pass", "--out-pass", "file:pass")
	}}
	if err := alternate(b.rounds, theirs, ours); err != nil {
		return err
	}
	theirs.print()
	ours.print()
	fmt.Println("  times faster than keytool:")
	ratio("wall", theirs.median(wall), ours.median(wall), 18)
	ratio("cpu", theirs.median(cpu), ours.median(cpu), 18)
	return nil
}

// printLinear prints what an entry costs at the larger number, as a multiple of what it costs at the smaller one.
func (s *side) printLinear(at *side, small, large int) {
	share := float64(large) / float64(small)
	for _, f := range []struct {
		name   string
		figure func(cost) float64
	}{{"cpu", cpu}, {"memory", rss}} {
		atMost(s.name+", "+f.name, s.median(f.figure)/share, at.median(f.figure), 1.5)
	}
}
