package jksfile

import (
	"errors"
	"fmt"
	"time"

	"github.com/mqttpki/mqttpki/keystore"
)

// secretEntry reads a symmetric key of a JCEKS file: a serialized javax.crypto.SealedObject, without a length before
// it, whose content is a serialized key. The key is not kept; what it is, is told where the password opens it.
func (d *decoder) secretEntry(alias string, created time.Time) error {
	sealed, err := unserialize(d.in)
	if err != nil {
		if errors.Is(err, keystore.ErrUnsupported) || errors.Is(err, keystore.ErrTooLarge) {
			err = fmt.Errorf("a secret key that cannot be read past (keytool -delete -alias ALIAS -storetype JCEKS -keystore FILE removes it; "+
				"keytool -importkeystore -srcalias ALIAS ... takes the other entries one by one): %w", err)
		}
		return err
	}
	d.store.Others = append(reserve(d, d.store.Others, leastSecret), keystore.Other{Alias: alias, Created: created, Kind: keystore.KindSecret})
	key := sealedKey{index: len(d.store.Others) - 1}
	key.algorithm, _ = sealed.fields["paramsAlg"].(string)
	key.content, _ = sealed.fields["encryptedContent"].([]byte)
	key.params, _ = sealed.fields["encodedParams"].([]byte)
	d.sealed = append(reserve(d, d.sealed, leastSecret), key)
	return nil
}

// sealedKey is a secret key that is still to be opened.
type sealedKey struct {
	index     int // in store.Others
	algorithm string
	content   []byte
	params    []byte // of the algorithm, DER
}

// openSecrets fills in the algorithm and size of the secret keys that a password opens. One that none opens is listed
// without; what is no key at all fails the file only where it exceeds a limit.
func (d *decoder) openSecrets() error {
	for _, s := range d.sealed {
		other := &d.store.Others[s.index]
		protection := keystore.Protection{Part: "key", Alias: other.Alias, Algorithm: "JCEKS " + s.algorithm, OID: oidJCEKS}
		params, readable := parseJCEKSParams(s.params)
		readable = readable && s.algorithm == "PBEWithMD5AndTripleDES"
		if readable {
			protection.Iterations, protection.Weak = params.shown(), weakJCEKS
		}
		d.store.Protection = append(d.store.Protection, protection)
		if !readable {
			continue
		}
		for _, password := range d.passwords.OfKey(other.Alias) {
			plain, err := decryptJCEKS(s.content, params, password, d.budget)
			if errors.Is(err, keystore.ErrTooLarge) {
				return fmt.Errorf("alias %q: %w", other.Alias, err)
			}
			if err == nil && describeSecret(plain, other) {
				break
			}
		}
	}
	return nil
}

// describeSecret fills in what a serialized key is: a javax.crypto.spec.SecretKeySpec, or the java.security.KeyRep by
// which other keys travel. It reports whether it was one.
func describeSecret(serialized []byte, other *keystore.Other) bool {
	key, err := unserialize(&reader{rest: serialized})
	if err != nil {
		return false
	}
	algorithm, _ := key.fields["algorithm"].(string)
	for _, name := range []string{"key", "encoded"} {
		if raw, ok := key.fields[name].([]byte); ok && len(raw) > 0 {
			other.Algorithm, other.Bits = algorithm, 8*len(raw)
			return true
		}
	}
	return false
}
