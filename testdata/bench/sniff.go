package main

import (
	"fmt"
	"path/filepath"
	"strconv"
)

// beginning is how a file begins, and what is repeated behind that.
type beginning struct {
	name   string
	head   string
	filler string
	known  bool // a format that is read: the command would read the file whole, and only Detect is measured
}

// sniffed are files whose first bytes tell what they are. Text is not among them: a PEM block may stand anywhere in it.
var sniffed = []beginning{
	{"JKS", "\xFE\xED\xFE\xED\x00\x00\x00\x02", "\x00", true},
	{"PKCS12", "\x30\x84\x1f\x00\x00\x00\x02\x01\x03\x30\x84\x1e\xff\xff\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", "\x00", true},
	{"PEM", "-----BEGIN CERTIFICATE-----\n", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHU=\n", true},
	{"disk image", "\x00\x01\x02\x03", "\x00\x11\x22\x33\x44\x55\x66\x77", false},
	{"NSS database", "SQLite format 3\x00", "\x00", false},
}

// sniff shows that telling what a file is does not take longer when the file is larger: by formats.Detect, given all of
// it, and by the command, which refuses what is no store without reading it to its end.
func (b *bench) sniff() error {
	dir, remove, err := scratch()
	if err != nil {
		return err
	}
	defer remove()
	for _, f := range sniffed {
		fmt.Printf("  -- %s of 1 MiB and of 500 MiB\n", f.name)
		small, large := b.detect(f, 1<<20), b.detect(f, 500<<20)
		if err := alternate(b.rounds, small, large); err != nil {
			return err
		}
		small.print()
		large.print()
		atMost("cpu, the larger by the smaller", large.median(cpu), small.median(cpu), 1.5)
		if f.known {
			continue
		}
		if small, err = b.refuse(f, dir, 1<<20); err != nil {
			return err
		}
		if large, err = b.refuse(f, dir, 500<<20); err != nil {
			return err
		}
		if err := alternate(4*b.rounds, small, large); err != nil {
			return err
		}
		small.print()
		large.print()
		atMost("cpu, the larger by the smaller", large.median(cpu), small.median(cpu), 1.5)
		atMost("memory, the larger by the smaller", large.median(rss), small.median(rss), 1.5)
	}
	return nil
}

// detect measures formats.Detect on all of a file.
func (b *bench) detect(f beginning, size int) *side {
	return &side{name: fmt.Sprintf("formats.Detect, %d MiB, %d times", size>>20, detects), run: func() (cost, error) {
		return b.alone("detect", f.name, strconv.Itoa(size))
	}}
}

// refuse measures the command on a file that it does not read.
func (b *bench) refuse(f beginning, dir string, size int) (*side, error) {
	path := filepath.Join(dir, f.name+strconv.Itoa(size))
	if _, err := b.alone("fill", path, f.name, strconv.Itoa(size)); err != nil {
		return nil, err
	}
	return &side{name: fmt.Sprintf("mqttpki inspect, %d MiB", size>>20), run: func() (cost, error) {
		return refused(dir, b.mqttpki, "inspect", path)
	}}, nil
}
