package cli

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"github.com/mqttpki/mqttpki/keystore"
)

// nearPassword is a password that another one is easily taken for.
type nearPassword struct {
	secret keystore.Secret
	how    string // what makes it of the one given: "without the quotes around it"
	latin  bool   // it is the one given, read as ISO 8859-1
}

// nearPasswords lists what may have been meant by a password that does not fit. None of them is used in its place: a
// command that opens a file with something other than what it was given would tell nobody that the two differ, until
// another program is given the same. They make a hint. Each is tried at the full cost of the file's key derivation, so
// the list is short: one slip each, no two together.
func nearPasswords(given keystore.Secret) []nearPassword {
	if len(given) == 0 {
		return nil
	}
	var list []nearPassword
	add := func(secret []byte, how string) {
		for _, n := range list {
			if bytes.Equal(n.secret, secret) {
				return
			}
		}
		if len(secret) > 0 && !bytes.Equal(secret, given) {
			list = append(list, nearPassword{secret: secret, how: how})
		}
	}
	add(bytes.TrimRight(given, "\r\n"), "without the line ending behind it")
	add(bytes.TrimFunc(given, blank), "without the white space around it")
	if n := len(given); n > 2 && given[0] == given[n-1] && (given[0] == '"' || given[0] == '\'') {
		add(given[1:n-1], "without the quotes around it")
	}
	for _, form := range []struct {
		form norm.Form
		how  string
	}{
		{norm.NFC, "with each accented letter as one character (Unicode NFC)"},
		{norm.NFD, "with accents as characters of their own (Unicode NFD)"},
	} {
		add(form.form.Bytes(given), form.how)
	}
	ascii := bytes.IndexFunc(given, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
	switch text := string(given); {
	case ascii:
	case !utf8.Valid(given):
		list = append(list, nearPassword{secret: fromLatin(given), how: "as text in ISO 8859-1", latin: true})
	default:
		if latin, err := charmap.Windows1252.NewEncoder().String(text); err == nil {
			add([]byte(latin), "in ISO 8859-1 instead of UTF-8")
		}
		const how = "with each byte of its UTF-8 taken for a letter, as programs do that expect ISO 8859-1"
		add(fromLatin(given), how)
		strict, _ := charmap.ISO8859_1.NewDecoder().Bytes(given)
		add(strict, how)
	}
	add(append(bytes.Clone(given), '\n'), "with a line feed behind it, which env:NAME can have and the line of a file cannot")
	add(append(bytes.Clone(given), "\r\n"...), "with CR and LF behind it, which env:NAME can have and the line of a file cannot")
	return list
}

// blank is white space, with what Unicode has of it that cannot be seen at all.
func blank(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b' }

// fromLatin reads bytes as ISO 8859-1, or rather as Windows' code page 1252, which is that with more letters.
func fromLatin(data []byte) []byte {
	text, err := charmap.Windows1252.NewDecoder().Bytes(data)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) { // five bytes have no letter there
		text, _ = charmap.ISO8859_1.NewDecoder().Bytes(data)
	}
	return text
}

// hint says what fits and what to do about it, and nothing of the password itself.
func (n nearPassword) hint(source passwordSource) string {
	switch source.kind {
	case sourceFile:
		if n.latin {
			return fmt.Sprintf("the password in %s fits %s; write it in UTF-8: iconv -f ISO-8859-1 -t UTF-8 %s", source.arg, n.how, quoted(source.arg))
		}
		return fmt.Sprintf("the password in %s fits %s", source.arg, n.how)
	case sourceEnv:
		if strings.Contains(n.how, "line ending") {
			return fmt.Sprintf("the password in %s fits %s: %s=$(printf %%s \"$%s\") takes it off", source.arg, n.how, source.arg, source.arg)
		}
		return fmt.Sprintf("the password in %s fits %s", source.arg, n.how)
	case sourcePrompt:
		return "the password that was typed fits " + n.how
	case sourceStdin:
		return "the password from standard input fits " + n.how
	}
	return "the password fits " + n.how
}
