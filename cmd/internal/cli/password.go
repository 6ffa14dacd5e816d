package cli

import (
	"bufio"
	"bytes"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/mqttpki/mqttpki/keystore"
)

// passwordBytes bounds a password read from anywhere: longer input is a wrong file, not a password.
const passwordBytes = 4096

// randomPasswordBytes is the entropy of a password that we make up: 160 bits, 32 characters of base 32, which every
// format, shell and configuration file takes without quoting.
const randomPasswordBytes = 20

// byteOrderMark is what Windows' editors put before UTF-8 text; it is not a part of the first line.
const byteOrderMark = "\ufeff"

// sourceKind is where a password is kept.
type sourceKind string

const (
	sourceUnset  sourceKind = "" // the flag was not given
	sourcePrompt sourceKind = "prompt"
	sourceEnv    sourceKind = "env"
	sourceFile   sourceKind = "file"
	sourceStdin  sourceKind = "stdin"
	sourceRandom sourceKind = "random"
	sourceNone   sourceKind = "none"
	sourceText   sourceKind = "pass" // the password itself, in argv: works, and warns
)

// passwordSource is the value of a --pass flag. It names where a password is kept; it holds none, but for pass:TEXT.
type passwordSource struct {
	kind sourceKind
	arg  string
}

// sourceError is why a flag's value is no password source. The value may be the password itself and is not repeated.
type sourceError struct{ error }

// Set parses SOURCE, for pflag. What it returns is a [sourceError].
func (s *passwordSource) Set(text string) error {
	word, arg, colon := strings.Cut(text, ":")
	switch kind := sourceKind(word); kind {
	case sourcePrompt, sourceStdin, sourceRandom, sourceNone:
		if colon {
			return sourceError{fmt.Errorf("%q takes nothing after a colon", word)}
		}
		*s = passwordSource{kind: kind}
	case sourceEnv, sourceFile:
		if arg == "" {
			return sourceError{fmt.Errorf("%q needs a name after a colon", word)}
		}
		*s = passwordSource{kind, arg}
	case sourceText:
		*s = passwordSource{kind, arg}
	default:
		return sourceError{errors.New("not a password source; use prompt, env:NAME, file:PATH, stdin, random or none")}
	}
	return nil
}

// String is what help shows as the default; it never shows a password.
func (s *passwordSource) String() string {
	switch s.kind {
	case sourceEnv, sourceFile:
		return string(s.kind) + ":" + s.arg
	case sourceText:
		return "pass:[redacted]"
	}
	return string(s.kind)
}

// Type is what help shows as the flag's argument.
func (*passwordSource) Type() string { return "SOURCE" }

// given reports whether the flag was used.
func (s *passwordSource) given() bool { return s.kind != sourceUnset }

// or returns s, or the other source when s was not given.
func (s passwordSource) or(other passwordSource) passwordSource {
	if s.given() {
		return s
	}
	return other
}

// passwordSources is a --pass flag that may be repeated.
type passwordSources []passwordSource

// Set adds one source, for pflag.
func (l *passwordSources) Set(text string) error {
	var s passwordSource
	if err := s.Set(text); err != nil {
		return err
	}
	*l = append(*l, s)
	return nil
}

// String is what help shows as the default; it never shows a password.
func (l *passwordSources) String() string {
	var texts []string
	for i := range *l {
		texts = append(texts, (*l)[i].String())
	}
	return strings.Join(texts, ",")
}

// Type is what help shows as the flag's argument.
func (*passwordSources) Type() string { return "SOURCE" }

// password is a resolved source.
type password struct {
	secret keystore.Secret // nil with "none"
	made   bool            // random: the caller stores it in a 0600 file
}

// resolve reads the password that s names. what is its purpose in a few words ("the CA's keys"), for the prompt and
// errors; isNew is for passwords that are to protect something: a person is asked twice, and an empty one is refused.
func (d *deps) resolve(s passwordSource, what string, isNew bool) (password, error) {
	p, err := d.readPassword(s, what, isNew)
	if err == nil && isNew && s.kind != sourceNone && len(p.secret) == 0 {
		err = withHint(usagef("an empty password does not protect %s", what), "name another; none in its place says that there is to be no protection")
	}
	return p, err
}

// needText fails when the password of a PKCS12 or JKS file that is to be made is not UTF-8 text: such a file is encrypted
// under characters, and Java, NSS and others cannot be given what is none.
func needText(secret keystore.Secret, s passwordSource, what string) error {
	if utf8.Valid(secret) {
		return nil
	}
	err := usagef("the password for %s is not UTF-8 text, so that no Java program could be given it", what)
	if s.kind == sourceFile {
		return withHint(err, "if it is in ISO 8859-1, write it in UTF-8: iconv -f ISO-8859-1 -t UTF-8 %s", quoted(s.arg))
	}
	return withHint(err, "name another, or the same in UTF-8")
}

// readPassword reads the password that s names; twice asks a person a second time.
func (d *deps) readPassword(s passwordSource, what string, twice bool) (password, error) {
	switch s.kind {
	case sourceNone:
		return password{}, nil
	case sourceRandom:
		made, err := d.randomPassword()
		return password{made, true}, err
	case sourceText:
		d.warn("pass:TEXT for %s can be seen by other users of this machine; use file:PATH or env:NAME", what)
		return password{secret: keystore.Secret(s.arg)}, nil
	case sourceEnv:
		value, ok := d.env(s.arg)
		if !ok {
			return password{}, usagef("reading the password for %s: the variable %s is not set", what, s.arg)
		}
		return password{secret: keystore.Secret(value)}, nil
	case sourceFile:
		secret, err := d.passwordFile(s.arg)
		if err != nil {
			return password{}, fmt.Errorf("reading the password for %s: %w", what, err)
		}
		return password{secret: secret}, nil
	case sourceStdin:
		line, err := d.stdinLine.next()
		if err != nil {
			return password{}, fmt.Errorf("reading the password for %s from standard input: %w", what, err)
		}
		return password{secret: line}, nil
	case sourcePrompt:
		secret, err := d.prompt(what, twice)
		if errors.Is(err, io.EOF) {
			err = usagef("no password was typed for %s", what)
		}
		return password{secret: secret}, err
	}
	return password{}, usagef("no password was given for %s", what)
}

// randomPassword makes one up.
func (d *deps) randomPassword() (keystore.Secret, error) {
	raw := make([]byte, randomPasswordBytes)
	if _, err := io.ReadFull(d.random, raw); err != nil {
		return nil, fmt.Errorf("making a password: %w", err)
	}
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
	return keystore.Secret(strings.ToLower(text)), nil
}

// passwordFile reads the first line of a file. A file that others can read is worth a warning, not a refusal: the
// password may have come from a mounted secret whose mode is not ours to choose.
func (d *deps) passwordFile(path string) (keystore.Secret, error) {
	var public bool
	secret, err := orDone(d.ctx, func() (line []byte, err error) { // a pipe may have nobody who writes into it
		secret, others, err := readNamedPassFile(path)
		public = others
		return secret, err
	})
	if err == nil && public {
		d.warn("%s can be read by others; chmod 600 it", path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = withHint(err, "make the file, readable by you alone: (umask 077; printf '%%s\\n' PASSWORD > %s)", path)
	}
	return secret, err
}

// readPassFile reads the first line of a password file that was found rather than named, such as NAME.pass beside a store,
// and says whether others can read the file. A pipe or device of that name is none: it could be waited for in vain.
func readPassFile(path string) (secret keystore.Secret, public bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, err
	}
	if !info.Mode().IsRegular() {
		return nil, false, fmt.Errorf("%s is no regular file", path)
	}
	return readNamedPassFile(path)
}

// readNamedPassFile is readPassFile for a file that a person named. It may be a pipe: shells make one of <(command).
func readNamedPassFile(path string) (secret keystore.Secret, public bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	if info.IsDir() {
		return nil, false, fmt.Errorf("%s is a directory", path)
	}
	public = info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows"
	secret, err = (&lineReader{r: utf8Reader(f)}).next()
	if errors.Is(err, io.EOF) {
		return nil, public, withHint(fmt.Errorf("%s is empty", path), "a password is the first line of its file; that of an empty one is an empty line")
	}
	if bytes.IndexByte(secret, 0) >= 0 { // no program takes such a password
		return nil, public, withHint(usagef("%s has a NUL byte", path), "it may be UTF-16 text without the mark that says so; write it as UTF-8")
	}
	return secret, public, err
}

// utf8Reader reads text that may be UTF-16, which Windows' PowerShell writes with > and marks as such; anything else is
// passed on as it is.
func utf8Reader(r io.Reader) io.Reader {
	decoder := unicode.BOMOverride(transform.Nop) // UTF-8's mark is dropped as well
	return transform.NewReader(r, decoder)
}

// askOnce asks for a password that is there already.
func (d *deps) askOnce(what string) (keystore.Secret, error) { return d.prompt(what, false) }

// prompt asks on the terminal, where there is one.
func (d *deps) prompt(what string, twice bool) (keystore.Secret, error) {
	if !d.canAsk() {
		return nil, withHint(usagef("a password is needed for %s, and there is no terminal to ask on", what),
			"name where it is kept: file:PATH or env:NAME")
	}
	ask := func(text string) (keystore.Secret, error) {
		_, _ = fmt.Fprint(d.question(), text)
		defer func() { _, _ = fmt.Fprintln(d.question()) }()
		return d.readSafe()
	}
	prompt := "Password for "
	if twice {
		prompt = "New password for "
	}
	first, err := ask(prompt + printableLine(what) + ": ")
	if err != nil || !twice {
		return first, err
	}
	again, err := ask("The same again: ")
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(first, again) {
		return nil, usagef("the two passwords for %s differ", what)
	}
	return first, nil
}

// lineReader reads lines from a stream that several passwords may come from, one a line, as openssl's stdin does.
type lineReader struct {
	r   io.Reader
	buf *bufio.Reader
}

// next returns the next line without its ending. A last line without one counts; no line at all is io.EOF.
func (l *lineReader) next() (keystore.Secret, error) {
	if l.buf == nil {
		l.buf = bufio.NewReaderSize(l.r, passwordBytes)
		if mark, _ := l.buf.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
			_, _ = l.buf.Discard(len(mark))
		}
	}
	line, err := l.buf.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("%w: a password of more than %d bytes", keystore.ErrTooLarge, passwordBytes)
	}
	if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
		return nil, err
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	return keystore.Secret(bytes.Clone(line)), nil
}
