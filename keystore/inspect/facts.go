package inspect

import (
	"crypto/ed25519"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// facts is what the readers' rules ask of a file.
type facts struct {
	format   string
	ending   string // of the name, with the dot, in lower case
	keys     int
	trusted  int
	loose    int
	mac      string   // the algorithm of the MAC, "" when there is none
	ciphers  []string // the algorithms that keys and certificates are encrypted with
	bareKey  bool     // a private key is not encrypted
	ed25519  bool     // a private key, or the leaf of a locked one, is Ed25519
	ascii    bool     // the password has ASCII characters only, or is not known
	disorder bool     // a key's certificate is not for it, or its chain is not in order
}

// notEncrypted is the algorithm that decoders name for a part that could be encrypted and is not.
const notEncrypted = "none"

// factsOf collects them.
func factsOf(s *keystore.Store, o Options) facts {
	f := facts{
		format: o.Format, ending: ending(o.File),
		keys: len(s.Identities), trusted: len(s.Anchors), loose: len(s.Loose), ascii: true,
	}
	encryptedKeys := 0
	for _, p := range s.Protection {
		switch {
		case p.Part == "mac" && p.Algorithm == "": // one that has no name here
			f.mac = p.OID
		case p.Part == "mac":
			f.mac = p.Algorithm
		case p.Algorithm != "" && p.Algorithm != notEncrypted:
			f.ciphers = append(f.ciphers, p.Algorithm)
		}
		if p.Part == "key" && p.Algorithm != notEncrypted {
			encryptedKeys++
		}
	}
	f.bareKey = encryptedKeys < f.keys
	for _, b := range o.PasswordText {
		f.ascii = f.ascii && b < 0x80
	}
	for i := range s.Identities {
		id := &s.Identities[i]
		f.ed25519 = f.ed25519 || isEd25519(id)
		if leaf := id.Leaf(); leaf != nil {
			matches, sure := id.Key.Matches(*leaf)
			f.disorder = f.disorder || sure && !matches
		}
		for j := 1; j < len(id.Chain); j++ {
			f.disorder = f.disorder || !keystore.Issued(id.Chain[j], id.Chain[j-1])
		}
	}
	return f
}

// isEd25519 goes by the key or, where that is locked, by the leaf.
func isEd25519(id *keystore.Identity) bool {
	if id.Key != nil && id.Key.Signer != nil {
		_, ok := id.Key.Signer.Public().(ed25519.PublicKey)
		return ok
	}
	leaf := id.Leaf()
	if leaf == nil || leaf.X509 == nil {
		return false
	}
	_, ok := leaf.X509.PublicKey.(ed25519.PublicKey)
	return ok
}

// uses returns the first of the file's ciphers that one of the names stands for, "" when none does. A name is matched
// as a word of the algorithm: "3DES-CBC" is one in "PBES2 PBKDF2-HMAC-SHA256 3DES-CBC".
func (f facts) uses(names ...string) string {
	for _, cipher := range f.ciphers {
		for _, word := range strings.Fields(cipher) {
			if slices.Contains(names, word) {
				return cipher
			}
		}
	}
	return ""
}
