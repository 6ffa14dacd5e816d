package p12file

import (
	"fmt"

	"github.com/mqttpki/mqttpki/keystore"
)

// maxProbes is how many parts of a file are tried to tell a right password from a wrong one. One would do, were it not
// for damage in that very part.
const maxProbes = 3

// judgeMAC finds out what it means that a MAC fits no password. Where the file is malformed, or a password opens one of the
// first parts that are encrypted, the file is not what it was when it was written, and the password may be right.
func (d *decoder) judgeMAC(safe []byte, wrong error) error {
	probe := newDecoder(len(safe), keystore.DecodeOptions{Limits: d.opts.Limits}) // without a password nothing is opened
	if err := probe.readAuthenticatedSafe(safe); err != nil {
		return fmt.Errorf("the MAC is wrong: %w", err)
	}
	parts := append(probe.sealed, probe.pending...)
	for _, part := range parts[:min(len(parts), maxProbes)] {
		if _, _, err := d.openKey(part.alg, part.ciphertext, part.name); err == nil {
			return fmt.Errorf("the MAC is wrong, though the password opens what is encrypted: "+
				"the file was changed, or its MAC has another password: %w", keystore.ErrFormat)
		}
	}
	return wrong
}
