package keystore_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// What nobody can have written as it is, is found; honest certificates, of one authority or several, contradict nothing.
func TestContradicted(t *testing.T) {
	root := mint.CA(t, "root", "ec")
	leaf, stranger := mint.Leaf(t, "leaf", "ec", root), mint.CA(t, "stranger", "rsa")
	outline := func(der []byte) keystore.Certificate { return keystore.Certificate{Raw: der} }
	turned := func(der []byte, at int) keystore.Certificate {
		changed := bytes.Clone(der)
		changed[at] ^= 1
		return outline(changed)
	}
	honest := []keystore.Certificate{outline(leaf.DER), outline(root.DER), outline(stranger.DER)}
	with := func(place int, c keystore.Certificate) []keystore.Certificate {
		list := append([]keystore.Certificate(nil), honest...)
		list[place] = c
		return list
	}
	assert.Equal(t, -1, keystore.Contradicted(nil))
	assert.Equal(t, -1, keystore.Contradicted(honest))
	assert.Equal(t, 0, keystore.Contradicted(with(0, turned(leaf.DER, len(leaf.DER)-1))), "a leaf's signature")
	assert.Equal(t, 2, keystore.Contradicted(with(2, turned(stranger.DER, len(stranger.DER)-1))), "that of a certificate that signed itself")
	assert.Equal(t, -1, keystore.Contradicted([]keystore.Certificate{turned(leaf.DER, len(leaf.DER)-1)}), "nobody can tell without the issuer")
	assert.Nil(t, honest[0].X509, "what is given stays as it is")
}
