package formats

import (
	"bytes"
	"errors"

	"github.com/mqttpki/mqttpki/keystore"
)

// Refuse returns the error of [Detect] for every file that begins with head, [HeadBytes] of it, or nil where the rest
// has to be seen: because the file is of a format that is read, or because it is text, in which a PEM block may follow.
func Refuse(head []byte) error {
	_, _, err := Detect(head)
	if errors.Is(err, keystore.ErrFormat) && !bytes.Contains(head, []byte{0}) {
		return nil
	}
	return err
}
