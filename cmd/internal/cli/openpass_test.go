package cli

import (
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/p12file"
)

// asked is every question in what a command printed to the terminal.
func asked(errs string) (questions []string) {
	for _, line := range strings.Split(errs, "\n") {
		if strings.Contains(line, "assword for ") && strings.HasSuffix(line, ": ") {
			questions = append(questions, strings.TrimSuffix(line, ": "))
		}
	}
	return questions
}

// keyStores writes stores whose keys and passwords differ, and returns the folder:
//
//	a.p12, copy.p12, link.p12   the same file; "first"
//	same.p12                    another key; "first" too
//	beside.p12                  another; "first", which stands in beside.pass
//	other.p12                   "second"
//	three.jks                   "store", its keys one and two "inner", three "innermost"
//	trust.p12                   a trusted certificate; "first"
func keyStores(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	one := func(id keystore.Identity) *keystore.Store {
		return &keystore.Store{Identities: []keystore.Identity{id}}
	}
	a := testIdentity(t, "a")
	writeStore(t, dir, "a.p12", "p12", one(a), "first", "")
	data, err := os.ReadFile(filepath.Join(dir, "a.p12"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "copy.p12"), data, 0o600))
	require.NoError(t, os.Symlink("a.p12", filepath.Join(dir, "link.p12")))
	writeStore(t, dir, "same.p12", "p12", one(testIdentity(t, "same")), "first", "")
	writeStore(t, dir, "beside.p12", "p12", one(testIdentity(t, "beside")), "first", "")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "beside.pass"), []byte("first\n"), 0o600))
	writeStore(t, dir, "other.p12", "p12", one(testIdentity(t, "other")), "second", "")
	writeStore(t, dir, "trust.p12", "p12", &keystore.Store{Anchors: []keystore.Anchor{{Alias: "ca", Certificate: a.Chain[0]}}}, "first", "")
	threeKeys(t, dir)
	return dir
}

// threeKeys writes three.jks: keytool alone makes keys of different passwords, so it is put together from three stores,
// each with one key, whose entries lie between a head of 12 bytes and a checksum of 20.
func threeKeys(t *testing.T, dir string) {
	t.Helper()
	var entries []byte
	for _, k := range []struct{ alias, pass string }{{"one", "inner"}, {"two", "inner"}, {"three", "innermost"}} {
		writeStore(t, dir, "part.jks", "jks", &keystore.Store{Identities: []keystore.Identity{testIdentity(t, k.alias)}}, "store", k.pass)
		part, err := os.ReadFile(filepath.Join(dir, "part.jks"))
		require.NoError(t, err)
		entries = append(entries, part[12:len(part)-20]...)
	}
	head := binary.BigEndian.AppendUint32([]byte{0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2}, 3)
	require.NoError(t, os.Remove(filepath.Join(dir, "part.jks")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "three.jks"), jksSum(append(head, entries...), "store"), 0o600))
}

// TestQuestions: which are asked, in which words, and how often: once a file, whatever it is called and however often it
// is named; never for what the password of another file opens; of keys once each, by alias.
func TestQuestions(t *testing.T) {
	const (
		plain = "--out-pass=none"
		force = "--force"
	)
	dir := keyStores(t)
	for _, tc := range []struct {
		name    string
		answers []string
		args    []string
		asked   []string
		code    int
	}{
		{"the password of one file opens the next", []string{"first"}, []string{"convert", "a.p12", "same.p12", "out.pem", plain},
			[]string{"Password for a.p12"}, exitDone},
		{"and is asked for where it does not", []string{"first", "second"}, []string{"convert", "a.p12", "other.p12", "same.p12", "out.pem", plain},
			[]string{"Password for a.p12", "Password for other.p12"}, exitDone},
		{"one file under three names", []string{"first"}, []string{"inspect", "a.p12", "copy.p12", "link.p12", "a.p12"},
			[]string{"Password for a.p12 (Enter: show what can be seen without)"}, exitDone},
		{"no answer is an answer", []string{""}, []string{"inspect", "a.p12", "copy.p12", "link.p12", "a.p12"},
			[]string{"Password for a.p12 (Enter: show what can be seen without)"}, exitDone},
		{"a wrong answer too", []string{"wrong"}, []string{"inspect", "a.p12", "copy.p12"},
			[]string{"Password for a.p12 (Enter: show what can be seen without)"}, exitPassword},
		{"input and to be trusted", []string{"first"}, []string{"convert", "trust.p12", "out.pem", "--trust", "trust.p12"},
			[]string{"Password for trust.p12, which is to be trusted"}, exitDone},
		{"what opens the input is tried on what is to be trusted", nil, []string{"convert", "trust.p12", "out.pem", "--trust", "trust.p12", "--in-pass", "env:FIRST"},
			nil, exitDone},
		{"keys by alias; what opens one is tried on the others", []string{"store", "inner", "innermost"}, []string{"convert", "three.jks", "out.pem", plain},
			[]string{"Password for three.jks", `Password for the key "one" in three.jks`, `Password for the key "three" in three.jks`}, exitDone},
		{"the same keys named twice", []string{"store", "inner", "innermost"}, []string{"convert", "three.jks", "./three.jks", "out.pem", plain},
			[]string{"Password for three.jks", `Password for the key "one" in three.jks`, `Password for the key "three" in three.jks`}, exitDone},
		{"a key that is left out is not asked for", []string{"store", "inner"}, []string{"convert", "three.jks", "out.pem", plain, "--remove", "three"},
			[]string{"Password for three.jks", `Password for the key "one" in three.jks`}, exitDone},
		{"nor one that is not chosen", []string{"store", "innermost"}, []string{"convert", "three.jks", "out.pem", plain, "--only", "three"},
			[]string{"Password for three.jks", `Password for the key "three" in three.jks`}, exitDone},
		{"nor those of a store whose certificates are to be trusted", []string{"store"}, []string{"convert", "clear.jks", "out.pem", "--in-pass", "env:X", "--trust", "three.jks"},
			[]string{"Password for three.jks, which is to be trusted"}, exitDone},
		{"else it is missed", []string{"store", "inner", ""}, []string{"convert", "three.jks", "out.pem", plain},
			[]string{"Password for three.jks", `Password for the key "one" in three.jks`, `Password for the key "three" in three.jks`}, exitPassword},
		{"a wrong password of a key is not asked for again", []string{"store", "wrong"}, []string{"convert", "three.jks", "out.pem", plain},
			[]string{"Password for three.jks", `Password for the key "one" in three.jks`}, exitPassword},
		{"the store's password is known, those of its keys are asked for", []string{"inner", "innermost"}, []string{"convert", "three.jks", "out.pem", plain, "--in-pass", "env:STORE"},
			[]string{`Password for the key "one" in three.jks`, `Password for the key "three" in three.jks`}, exitDone},
		{"what opens one by its own file is tried on the next", nil, []string{"convert", "beside.p12", "same.p12", "out.pem", plain}, nil, exitDone},
		{"asked for by a flag, the prompt names the one file", []string{"first"}, []string{"inspect", "a.p12", "--in-pass", "prompt"}, []string{"Password for a.p12"}, exitDone},
		{"or says that it is for all", []string{"first"}, []string{"inspect", "a.p12", "same.p12", "--in-pass", "prompt"}, []string{"Password for the files to read"}, exitDone},
		{"none means none", nil, []string{"convert", "a.p12", "out.pem", plain, "--in-pass", "none"}, nil, exitPassword},
		{"none in the eyes of inspect", nil, []string{"inspect", "a.p12", "--in-pass", "none"}, nil, exitDone},
		{"inspect needs no password to show a trust store of certificates in the clear", nil, []string{"inspect", "clear.jks"}, nil, exitDone},
		{"a new one says that it is new", []string{"first", "n", "n"}, []string{"convert", "a.p12", "out.p12", "--out-pass", "prompt"},
			[]string{"Password for a.p12", "New password for the result"}, exitDone},
		{"of many files once for all", []string{"first"}, []string{"convert", "p12", "pem", "a.p12", "same.p12", "trust.p12", "--out-dir", "many", plain, force},
			[]string{"Password for ", "the other files that need one"}, exitDone},
		{"of many files those it does not open fail", []string{"first"}, []string{"convert", "p12", "pem", "a.p12", "other.p12", "--out-dir", "many", plain, force},
			[]string{"Password for ", "the other files that need one"}, exitPassword},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Chdir(dir)
			writeStore(t, dir, "clear.jks", "jks", &keystore.Store{Anchors: []keystore.Anchor{{Alias: "ca", Certificate: testIdentity(t, "ca").Chain[0]}}}, "x", "")
			for _, name := range []string{"out.pem", "out.p12"} {
				_ = os.Remove(name)
			}
			p := &person{answers: tc.answers, env: map[string]string{"FIRST": "first", "STORE": "store", "X": "x"}}
			out, errs, code := atTerminal(p, tc.args...)
			assert.Equal(t, tc.code, code, "%s%s", out, errs)
			if strings.Contains(tc.name, "of many files") { // any of them may be the first
				require.Len(t, asked(errs), 1)
				assert.Contains(t, asked(errs)[0], tc.asked[1])
				return
			}
			assert.Equal(t, tc.asked, asked(errs))
		})
	}
}

// TestNoneLeavesThePasswordBesideAlone: with --in-pass none the file NAME.pass is not looked at, and nobody is asked.
func TestNoneLeavesThePasswordBesideAlone(t *testing.T) {
	t.Chdir(stores(t))
	require.NoError(t, os.WriteFile("dev.pass", []byte("storepass\n"), 0o600))
	_, _, code := atTerminal(&person{}, "convert", "dev.p12", "out.pem", "--out-pass", "none", "--in-pass", "none")
	assert.Equal(t, exitPassword, code)
	_, _, code = atTerminal(&person{}, "convert", "empty.p12", "out.pem", "--out-pass", "none", "--in-pass", "none")
	assert.Equal(t, exitDone, code, "the empty password is none to a person")
	_, _, code = atTerminal(&person{}, "convert", "dev.p12", "out2.pem", "--out-pass", "none")
	assert.Equal(t, exitDone, code)
}

// TestSlipsAreNamed: a password that fits but for white space, quotes or its encoding is refused all the same, and the
// hint says which slip it was, without the password.
func TestSlipsAreNamed(t *testing.T) {
	const umlauts = "pässwörd"
	latin := "p\xe4ssw\xf6rd"
	decomposed := "pa\u0308sswo\u0308rd"
	id := testIdentity(t, "dev")
	s := &keystore.Store{Identities: []keystore.Identity{id}}
	for _, tc := range []struct {
		name   string
		pass   string // of the store
		source string // what the command line names
		text   string // in the file or variable, or typed
		hint   string
		only   string // formats, "" for all; PKCS12 is opened under several spellings to begin with
	}{
		{"line feed in a variable", "secret word", "env:P", "secret word\n", "hint: the password in P fits without the line ending behind it: P=$(printf %s \"$P\") takes it off", ""},
		{"CR LF in a variable", "secret word", "env:P", "secret word\r\n", "hint: the password in P fits without the line ending behind it", ""},
		{"blanks behind it, as echo writes them on Windows", "secret word", "file:p", "secret word \r\n", "hint: the password in p fits without the white space around it", ""},
		{"a tab and a no-break space", "secret word", "file:p", "\tsecret word\u00a0\n", "hint: the password in p fits without the white space around it", ""},
		{"quotes", "secret word", "file:p", "\"secret word\"\r\n", "hint: the password in p fits without the quotes around it", ""},
		{"typed with a blank", "secret word", "prompt", "secret word ", "hint: the password that was typed fits without the white space around it", ""},
		{"a file in ISO 8859-1", umlauts, "file:p", latin + "\n", "hint: the password in p fits as text in ISO 8859-1; write it in UTF-8: iconv -f ISO-8859-1 -t UTF-8 p", "jks pem"},
		{"a store made in ISO 8859-1", latin, "file:p", umlauts + "\n", "hint: the password in p fits in ISO 8859-1 instead of UTF-8", "pem"},
		{"a store made by who took UTF-8 for ISO 8859-1", "pÃ¤sswÃ¶rd", "file:p", umlauts + "\n", "hint: the password in p fits with each byte of its UTF-8 taken for a letter", "jks"},
		{"composed where decomposed is meant", decomposed, "env:P", umlauts, "hint: the password in P fits with accents as characters of their own (Unicode NFD)", ""},
		{"decomposed where composed is meant", umlauts, "env:P", decomposed, "hint: the password in P fits with each accented letter as one character (Unicode NFC)", ""},
		{"the line feed belongs to it", "secret word\n", "file:p", "secret word\n", "hint: the password in p fits with a line feed behind it", ""},
		{"it is the empty one", "", "env:P", "secret word", "hint: the empty password fits: --in-pass none", "p12"},
		{"quite another", "secret word", "env:P", "another", "hint: name where the right password is kept: --in-pass file:PATH", ""},
	} {
		for _, format := range []string{"p12", "jks", "pem"} {
			if tc.only != "" && !strings.Contains(tc.only, format) {
				continue
			}
			t.Run(tc.name+"/"+format, func(t *testing.T) {
				t.Chdir(t.TempDir())
				writeStore(t, ".", "dev.store", format, s, tc.pass, "")
				require.NoError(t, os.WriteFile("p", []byte(tc.text), 0o600))
				for _, command := range [][]string{{"convert", "dev.store", "out.pem", "--out-pass", "none"}, {"inspect", "dev.store"}} {
					p := &person{answers: []string{tc.text}, env: map[string]string{"P": tc.text}}
					out, errs, code := atTerminal(p, append(command, "--in-pass", tc.source)...)
					assert.Equal(t, exitPassword, code, "%s%s", out, errs)
					assert.Contains(t, errs, tc.hint)
					assert.NotContains(t, out+errs, "secret word", "the password")
					assert.NotContains(t, out+errs, umlauts, "the password")
					assert.NoFileExists(t, "out.pem")
				}
			})
		}
	}
}

// TestSlipOfAKeysPassword: the same for keys that have a password of their own.
func TestSlipOfAKeysPassword(t *testing.T) {
	t.Chdir(stores(t))
	p := &person{env: map[string]string{"P": "keypass\n"}, answers: []string{"keypass "}}
	_, errs, code := atTerminal(p, "convert", "dev.jks", "out.pem", "--out-pass", "none", "--in-pass", "pass:storepass", "--in-key-pass", "env:P")
	assert.Equal(t, exitPassword, code)
	assert.Contains(t, errs, "hint: the password in P fits without the line ending behind it")
	out, errs, code := atTerminal(p, "inspect", "dev.jks", "--in-pass", "pass:storepass", "--in-key-pass", "env:P")
	assert.Equal(t, exitPassword, code)
	assert.Contains(t, out, "alias: dev", "what can be seen")
	assert.Contains(t, errs, `reading "dev.jks": entry "dev": the password for its key: `)
	assert.Contains(t, errs, "hint: the password in P fits without the line ending behind it")
	_, errs, code = atTerminal(p, "convert", "dev.jks", "out.pem", "--out-pass", "none", "--in-pass", "pass:storepass")
	assert.Equal(t, exitPassword, code)
	assert.Contains(t, errs, "hint: the password that was typed fits without the white space around it")
}

// TestThePasswordBesideFits: a wrong --in-pass hides the right password in NAME.pass; the hint finds it.
func TestThePasswordBesideFits(t *testing.T) {
	t.Chdir(stores(t))
	require.NoError(t, os.WriteFile("dev.pass", []byte("storepass\n"), 0o600))
	_, errs, code := atTerminal(&person{}, "inspect", "dev.p12", "--in-pass", "pass:wrong")
	assert.Equal(t, exitPassword, code)
	assert.Contains(t, errs, "hint: the password in dev.pass fits: --in-pass file:dev.pass")
}

// countingCodec counts how often a file is decoded with a password.
type countingCodec struct {
	p12file.Codec
	count *int
}

func (c countingCodec) Decode(data []byte, opts keystore.DecodeOptions) (*keystore.Store, error) {
	if !opts.Password.Given() {
		return &keystore.Store{
			Integrity: keystore.IntegrityUnchecked, Protection: []keystore.Protection{{Part: "mac", Iterations: 5_000_000}},
		}, nil
	}
	*c.count++
	return nil, keystore.ErrPassword
}

// TestGuessesAreBounded: what is tried to find a slip costs a command four derivations at the limit and no more, for all of
// its files together.
func TestGuessesAreBounded(t *testing.T) {
	count := 0
	o := &storeOpener{deps: &deps{}, PassFlag: "--in-pass", Known: &keyring{}}
	for range 3 {
		s := &openedStore{Codec: countingCodec{count: &count}, Data: []byte("data")}
		err := o.refusal(s, []givenPassword{{keystore.Secret(" \"ä\"\n "), passwordSource{kind: sourceEnv, arg: "P"}}}, keystore.ErrPassword)
		require.ErrorIs(t, err, keystore.ErrPassword)
	}
	assert.Equal(t, 4, count)
	o.Known.remember(keystore.Secret("known"))
	assert.False(t, o.tryKnown(&openedStore{Codec: countingCodec{count: &count}, Data: []byte("data")}))
	assert.Equal(t, 4, count, "nor is there anything left for the passwords of other files")
}

// TestKeyringForgets: the oldest of many passwords, and keeps one of a kind.
func TestKeyringForgets(t *testing.T) {
	var k keyring
	for _, p := range []string{"a", "b", "c", "b", "", "d", "e"} {
		k.remember(keystore.Secret(p))
	}
	var list []string
	for _, p := range k.candidates() {
		list = append(list, string(p))
	}
	assert.Equal(t, []string{"e", "d", "b", "c"}, list)
}

// TestPasswordFiles: what editors, shells and secret stores make of a password file.
func TestPasswordFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	wide := func(order binary.AppendByteOrder, text string) string {
		var b []byte
		for _, u := range utf16.Encode([]rune("\ufeff" + text)) {
			b = order.AppendUint16(b, u)
		}
		return string(b)
	}
	for _, tc := range []struct {
		name, data, want string
		kind             error
	}{
		{"a line", "pä ss\n", "pä ss", nil},
		{"no line ending", "pass", "pass", nil},
		{"CR LF", "pass\r\n", "pass", nil},
		{"only the first line counts", "pass\nmore\n", "pass", nil},
		{"blanks belong to it", " pass \n", " pass ", nil},
		{"UTF-8 with its mark", "\ufeffpass\r\n", "pass", nil},
		{"UTF-16 as PowerShell's > writes it", wide(binary.LittleEndian, "pä😀\r\n"), "pä😀", nil},
		{"UTF-16, big-endian", wide(binary.BigEndian, "pä😀\n"), "pä😀", nil},
		{"ISO 8859-1 is left as it is", "p\xe4ss\n", "p\xe4ss", nil},
		{"an empty line", "\n", "", nil},
		{"empty", "", "", errors.ErrUnsupported},
		{"UTF-16 without a mark", "p\x00a\x00s\x00s\x00", "", errUsage},
		{"binary", "\x30\x82\x00\x01\x02", "", errUsage},
		{"huge", strings.Repeat("x", 1<<20), "", keystore.ErrTooLarge},
		{"huge, UTF-16", wide(binary.LittleEndian, strings.Repeat("x", 1<<20)), "", keystore.ErrTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.NoError(t, os.WriteFile("p", []byte(tc.data), 0o600))
			got, err := (&deps{err: &strings.Builder{}}).passwordFile("p")
			switch {
			case tc.kind == errors.ErrUnsupported: // any error
				assert.Error(t, err)
			case tc.kind != nil:
				assert.ErrorIs(t, err, tc.kind)
			default:
				assert.NoError(t, err)
				assert.Equal(t, tc.want, string(got))
			}
		})
	}
}

// jksSum puts the checksum behind the bytes of a JKS.
func jksSum(data []byte, password string) []byte {
	h := sha1.New()
	for _, u := range utf16.Encode([]rune(password)) {
		h.Write([]byte{byte(u >> 8), byte(u)})
	}
	h.Write([]byte("Mighty Aphrodite"))
	h.Write(data)
	return h.Sum(data)
}
