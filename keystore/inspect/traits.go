package inspect

import (
	"errors"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// The traits of a file that a reader may stumble over. Besides these every MAC, key derivation and cipher is a trait,
// by the names that the decoders give them: "HMAC-SHA256", "PBMAC1", "PBKDF2-HMAC-SHA384", "scrypt", "AES-256-CBC",
// "PBE-SHA1-3DES".
const (
	anyFile         = "any"                  // every file has it
	holdsKey        = "key"                  // a private key
	certificateOnly = "certificates alone"   // no private key
	noCertificate   = "key alone"            // a private key without a certificate
	noMAC           = "no MAC"               // nothing vouches for the whole
	bareKey         = "bare key"             // a private key is not encrypted
	encryptedKey    = "encrypted key"        // a private key is encrypted
	traditionalPEM  = "traditional PEM"      // a private key is encrypted as OpenSSL did before PKCS#8
	ownPassword     = "key password"         // a key has another password than the file
	unmarked        = "unmarked"             // certificates alone, and none marked as trusted
	armoured        = "PKCS12 as text"       // PEM
	trailingBytes   = "trailing bytes"       // follow the end
	wideText        = "UTF-16"               // PEM in it
	damagedKey      = "damaged key"          // a private key that works nowhere
	duplicateAlias  = "duplicate alias"      // two entries have the same name but for its case
	plainAlias      = "plain UTF-8 alias"    // an alias is not in Java's own UTF-8
	mixedCase       = "mixed-case alias"     // an alias is not as Java looks it up
	emptyPassword   = "empty password"       // it opens the file
	nonASCII        = "non-ASCII password"   // opens the file
	nonASCIIOld     = "non-ASCII, old style" // the same, and a part is encrypted as before PBES2
)

// notEncrypted is the algorithm that decoders name for a part that could be encrypted and is not.
const notEncrypted = "none"

// traits is what the readers' rules ask of a file.
type traits struct {
	has        []string // of the constants above
	algorithms []string // of the MAC and the encryption, each name once
	kinds      []string // of the private keys, each name once; see kinds.go
	sealed     bool     // there may be more, in what could not be opened
}

// traitsOf collects them.
func traitsOf(s *keystore.Store, o Options) traits {
	var t traits
	add := func(name string, applies bool) {
		if applies {
			t.has = append(t.has, name)
		}
	}
	mac, oldStyle, encrypted := false, false, 0
	for _, p := range s.Protection {
		mac = mac || p.Part == "mac"
		if p.Algorithm == notEncrypted {
			continue
		}
		oldStyle = oldStyle || strings.HasPrefix(p.Algorithm, "PBE-")
		add(traditionalPEM, strings.HasPrefix(p.Algorithm, traditionalWords))
		t.algorithms = append(t.algorithms, words(p)...)
		if p.Part == "key" {
			encrypted++
		}
	}
	slices.Sort(t.algorithms)
	t.algorithms = slices.Compact(t.algorithms)

	keys := len(s.Identities)
	sealed := sealed(s)
	add(anyFile, true)
	add(holdsKey, keys > 0)
	add(certificateOnly, keys == 0 && !sealed)
	add(noMAC, !mac)
	add(bareKey, encrypted < keys)
	add(encryptedKey, encrypted > 0 && keys > 0)
	add(unmarked, keys == 0 && !sealed && len(s.Anchors) == 0 && len(s.Loose) > 0)
	add(emptyPassword, o.PasswordText.Given() && len(o.PasswordText) == 0)
	ascii := !slices.ContainsFunc(o.PasswordText, func(b byte) bool { return b >= 0x80 })
	add(nonASCII, !ascii)
	add(nonASCIIOld, !ascii && oldStyle)
	for _, p := range s.Problems {
		add(duplicateAlias, p.Code == "duplicate-alias")
		add(armoured, p.Code == "armoured")
		add(plainAlias, p.Code == "alias-encoding")
		add(mixedCase, p.Code == "mixed-case-alias")
		add(trailingBytes, p.Code == "trailing-bytes")
		add(wideText, p.Code == "utf-16")
	}
	for i := range s.Identities {
		id := &s.Identities[i]
		add(damagedKey, id.Key != nil && id.Key.Damage() != "")
		add(noCertificate, len(id.Chain) == 0 && !sealed)
		if kind := kindOf(id); kind != "" {
			t.kinds = append(t.kinds, kind)
		}
		add(ownPassword, s.Integrity == keystore.IntegrityVerified && errors.Is(id.Locked, keystore.ErrPassword))
	}
	t.has = slices.Concat(t.has, storeTraits(s, sealed), moreTraits(s, o))
	slices.Sort(t.kinds)
	t.kinds, t.sealed = slices.Compact(t.kinds), sealed
	return t
}

// traditionalWords is how the algorithm of a traditional PEM key begins.
const traditionalWords = "traditional PEM"

// words takes the name of an algorithm apart: "PBES2 PBKDF2-HMAC-SHA256 AES-256-CBC" is a derivation and a cipher.
func words(p keystore.Protection) []string {
	name := p.Algorithm
	switch {
	case name == "": // one that has no name here
		return []string{p.OID}
	case strings.HasPrefix(name, "PBMAC1"):
		return []string{"PBMAC1"}
	case p.Part == "mac":
		return []string{strings.TrimPrefix(name, "PKCS12 ")}
	case strings.HasPrefix(name, traditionalWords):
		fields := strings.Fields(name)
		return fields[len(fields)-1:]
	}
	return strings.Fields(strings.TrimPrefix(name, "PBES2 "))
}
