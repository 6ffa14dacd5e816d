package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
)

// anyFormat as FROM means: go by the content.
const anyFormat = "auto"

// jceks is a format that FROM may name and TO may not: its codec is that of JKS.
const jceks = "jceks"

// convertForm is what the words of a convert command mean.
type convertForm struct {
	From    string         // a codec's name, "" when not announced
	Target  keystore.Codec // nil with InPlace: it is that of the file, once it was read
	Inputs  []string       // files to read; with InDir none
	Output  string         // one file, or "-"; "" with OutDir
	InDir   string         // every store under it
	OutDir  string         // one result for each input
	InPlace bool           // Output is Inputs[0], on purpose
}

// parse tells the forms of the command apart.
func (o *convertOptions) parse(words []string) (convertForm, error) {
	f := convertForm{InDir: o.InDir, OutDir: o.OutDir, InPlace: o.InPlace}
	to := ""
	if len(words) >= 2 && isFormatWord(words[0]) && isFormatWord(words[1]) && words[1] != anyFormat {
		f.From, to = codecName(words[0]), words[1]
		words = words[2:]
	}
	err := unknownFormat(words, to)
	switch {
	case err != nil:
	case f.InPlace:
		err = f.inPlace(o, words, to)
	case f.InDir != "" || f.OutDir != "":
		err = f.many(o, words, to)
	default:
		err = f.one(o, words)
	}
	if err == nil {
		f.Target, err = o.target(to, f)
	}
	return f, err
}

// unknownFormat fails for a word that stands where a format does, beside one, and is neither a format nor a file.
func unknownFormat(words []string, to string) error {
	if to != "" || len(words) < 3 || isFormatWord(words[0]) == isFormatWord(words[1]) {
		return nil
	}
	word, place := words[0], "read"
	if isFormatWord(word) {
		word, place = words[1], "written"
	}
	if word == standardStream || filepath.Ext(word) != "" || fileExists(word) || place == "written" && fileExists(words[0]) {
		return nil
	}
	return withHint(usagef("%q is no format that can be %s", word, place), "FROM is one of %s, %s, %s; TO of %s",
		anyFormat, strings.Join(formats.Names(), ", "), jceks, strings.Join(formats.Names(), ", "))
}

// isFormatWord reports whether a word on the command line names a format. A file of such a name is written ./jks.
func isFormatWord(word string) bool {
	return word == anyFormat || codecName(word) != ""
}

// codecName is the codec that reads the format of a word; "" for any or none.
func codecName(word string) string {
	if strings.EqualFold(word, jceks) {
		return "jks"
	}
	codec, err := formats.ByName(word)
	if err != nil {
		return ""
	}
	return codec.Name()
}

// inPlace is: convert --in-place FILE.
func (f *convertForm) inPlace(o *convertOptions, words []string, to string) error {
	f.Inputs = append(slices.Clone(o.In), words...)
	switch {
	case len(f.Inputs) != 1:
		return usagef("--in-place takes one file, not %d", len(f.Inputs))
	case o.Out != "" || o.OutDir != "" || o.InDir != "" || to != "" || o.Split:
		return usagef("--in-place changes a file where it is; it goes with neither another output nor another format")
	case f.Inputs[0] == standardStream:
		return usagef("--in-place needs a file")
	}
	f.Output = f.Inputs[0]
	return nil
}

// many is: convert FROM TO A... --out-dir DIR, or --in-dir DIR --out-dir DIR.
func (f *convertForm) many(o *convertOptions, words []string, to string) error {
	f.Inputs = append(slices.Clone(o.In), words...)
	switch {
	case f.OutDir == "":
		return usagef("--in-dir needs --out-dir")
	case o.Out != "":
		return usagef("--out names one file and --out-dir a folder of them; give one of the two")
	case f.InDir != "" && len(f.Inputs) > 0:
		return usagef("--in-dir converts what is in a folder; %q cannot be named beside it", f.Inputs[0])
	case f.InDir == "" && len(f.Inputs) == 0:
		return usagef("--out-dir needs files to convert, or --in-dir")
	case slices.Contains(f.Inputs, standardStream):
		return usagef("standard input has no name to give to a file in --out-dir")
	case to == "":
		return withHint(usagef("--out-dir needs both formats"), "mqttpki convert jks pem ... --out-dir %s; auto as the first goes by content", quoted(f.OutDir))
	}
	return nil
}

// one is: convert A... B, --in A --out B, and what lies between. Several inputs are merged.
func (f *convertForm) one(o *convertOptions, words []string) error {
	f.Inputs, f.Output = append(slices.Clone(o.In), words...), o.Out
	if f.Output == "" && len(f.Inputs) >= 2 {
		last := len(f.Inputs) - 1
		f.Inputs, f.Output = f.Inputs[:last], f.Inputs[last]
		if len(o.In) > last { // --in A --in B and nothing else: B is no output
			f.Output = ""
		}
	}
	if len(f.Inputs) == 0 || f.Output == "" {
		return withHint(usagef("what to read and what to write are needed"), "mqttpki convert client.jks client.p12, or mqttpki convert --help")
	}
	if countOf(f.Inputs, standardStream) > 1 {
		return usagef("standard input can be read only once")
	}
	return nil
}

// countOf counts a word.
func countOf(list []string, word string) (n int) {
	for _, w := range list {
		if w == word {
			n++
		}
	}
	return n
}

// target finds the codec to write with: the format named, else the one of the output's ending; with --split PEM.
func (o *convertOptions) target(to string, f convertForm) (keystore.Codec, error) {
	ending := strings.ToLower(filepath.Ext(f.Output))
	if codec, known := formats.ByExtension(f.Output); to == "" && o.Split && (!known || codec.Name() == "pem") {
		to = "pem"
	}
	if strings.EqualFold(to, jceks) || to == "" && ending == "."+jceks {
		return nil, withHint(fmt.Errorf("writing JCEKS is %w", keystore.ErrUnsupported), "write p12, which every Java since 8 reads, or jks")
	}
	if to != "" {
		return formats.ByName(to)
	}
	if f.InPlace {
		return nil, nil // that of the file, once it was read
	}
	if codec, ok := formats.ByExtension(f.Output); ok {
		return codec, nil
	}
	if isFolder(f.Output) {
		return nil, withHint(usagef("%q is a folder", f.Output), "name a file in it, or: mqttpki convert auto p12 ... --out-dir %s", quoted(f.Output))
	}
	return nil, withHint(usagef("%q does not tell its format", f.Output), "name both formats: mqttpki convert auto p12 ... %s", quoted(f.Output))
}
