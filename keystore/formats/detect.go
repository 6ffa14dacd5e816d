package formats

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/jksfile"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
)

// HeadBytes is how much of a file [Detect] needs to see, and of a binary file all that it looks at. Of text it looks
// for the first PEM block wherever that is: what openssl prints before the block of a CRL can be megabytes.
const HeadBytes = 64 << 10

// Detect tells from a file's content, never its name, which codec reads it, and what people call the format: "PEM",
// "DER", "PKCS#7", "PKCS12", "JKS", "JCEKS". It fails with [keystore.ErrUnsupported] for a format that is known but not
// read, naming it, with the command that converts it as [keystore.Remedy], and with [keystore.ErrFormat] for anything else.
func Detect(data []byte) (keystore.Codec, string, error) {
	if len(data) == 0 {
		return nil, "", fmt.Errorf("the file is empty: %w", keystore.ErrFormat)
	}
	head := data[:min(len(data), HeadBytes)]
	if f := recognise(head); f != nil {
		return nil, f.name, keystore.WithRemedy(fmt.Errorf("%s file: %w", f.name, keystore.ErrUnsupported), f.remedy())
	}
	for _, c := range bySniffing() {
		if c.Sniff(head) {
			return c, describe(c, head), nil
		}
	}
	if bytes.Contains(head, pemMark) || pemfile.UTF16(head) || !bytes.Contains(head, []byte{0}) && bytes.Contains(data, pemMark) {
		return pemfile.Codec{}, "PEM", nil // damaged or foreign; its decoder says what is wrong, and in which line
	}
	return nil, "", fmt.Errorf("no key, certificate or store of a known format: %w", keystore.ErrFormat)
}

// pemMark is how the first line of a PEM block begins.
var pemMark = []byte("-----BEGIN ")

// bySniffing returns the codecs in the order in which they are asked: the ones that know their files by the first
// bytes come before PEM, since a name or comment in a binary store can have anything in it, a PEM block too.
func bySniffing() []keystore.Codec {
	var exact, text []keystore.Codec
	for _, c := range All() {
		if c.Name() == "pem" {
			text = append(text, c)
		} else {
			exact = append(exact, c)
		}
	}
	return append(exact, text...)
}

// describe returns what people call the format of a file that c reads.
func describe(c keystore.Codec, data []byte) string {
	switch c.Name() {
	case "p7b":
		return "PKCS#7"
	case "jks":
		return jksfile.Describe(data)
	case "p12":
		return "PKCS12"
	}
	return strings.ToUpper(c.Name())
}
