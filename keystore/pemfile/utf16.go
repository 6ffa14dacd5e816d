package pemfile

import (
	"bytes"

	"golang.org/x/text/encoding/unicode"
)

// UTF16 reports whether data has a PEM block in text of two bytes a character, as the > of Windows PowerShell writes it.
// That is read here, as hardly any other program does.
func UTF16(data []byte) bool {
	big, little := wideBegins()
	return bytes.Contains(data, big) || bytes.Contains(data, little)
}

// wideBegins are how a block begins in big-endian and little-endian UTF-16.
func wideBegins() (big, little []byte) {
	const begin = "-----BEGIN "
	big = make([]byte, 0, 2*len(begin)+1)
	for _, c := range []byte(begin) {
		big = append(big, 0, c)
	}
	return big, append(big[1:len(big):len(big)], 0)
}

// fromUTF16 returns text in UTF-16, with or without a byte order mark, as UTF-8. What is no UTF-16 in it becomes a
// replacement character, which no PEM block has.
func fromUTF16(data []byte) ([]byte, error) {
	order := unicode.LittleEndian
	big, _ := wideBegins()
	if i := bytes.Index(data, big); i >= 0 && i%2 == 0 { // at an odd place it is the second half of a little-endian one
		order = unicode.BigEndian
	}
	return unicode.UTF16(order, unicode.UseBOM).NewDecoder().Bytes(data)
}
