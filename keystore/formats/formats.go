// Package formats is the registry of codecs: all of them, by name, by file ending, and by what is in a file.
//
// A codec that joins [All] has to pass the laws of this package's conformance tests. Formats that cannot be read are
// recognised all the same, so that a person learns what the file is and which program converts it.
package formats

import (
	"fmt"
	"path"
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/jksfile"
	"github.com/mqttpki/mqttpki/keystore/p12file"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
)

// All returns every codec, in the order in which they are listed for people.
func All() []keystore.Codec {
	return []keystore.Codec{pemfile.Codec{}, p12file.Codec{}, jksfile.Codec{}, pemfile.PKCS7{}, pemfile.DER{}}
}

// aliases are the other names that people know formats by.
var aliases = map[string]string{
	"pkcs12": "p12", "pkcs#12": "p12", "pfx": "p12",
	"pkcs8": "pem", "crt": "pem", "cer": "pem",
	"keystore": "jks",
	"pkcs7":    "p7b", "pkcs#7": "p7b", "p7c": "p7b", "p7": "p7b",
}

// Names returns the names of the formats, for completion and messages.
func Names() []string {
	var names []string
	for _, c := range All() {
		names = append(names, c.Name())
	}
	return names
}

// ByName returns the codec of a format by its name, or another name of it, in upper or lower case. It fails with
// [keystore.ErrUnsupported].
func ByName(name string) (keystore.Codec, error) {
	wanted := strings.ToLower(name)
	if known, ok := aliases[wanted]; ok {
		wanted = known
	}
	for _, c := range All() {
		if c.Name() == wanted {
			return c, nil
		}
	}
	if wanted == "jceks" {
		return nil, fmt.Errorf("format %q is read under the name jks, and never written: %w", name, keystore.ErrUnsupported)
	}
	return nil, fmt.Errorf("format %q (there are %s): %w", name, strings.Join(Names(), ", "), keystore.ErrUnsupported)
}

// ByExtension returns the codec whose files end as the file name does, and false when none does.
func ByExtension(name string) (keystore.Codec, bool) {
	ending := strings.ToLower(path.Ext(strings.ReplaceAll(name, `\`, "/")))
	for _, c := range All() {
		for _, e := range c.Extensions() {
			if e == ending {
				return c, true
			}
		}
	}
	return nil, false
}

// Decode reads a file of whatever format it is. Errors are those of [Detect] and of the codec.
func Decode(data []byte, opts keystore.DecodeOptions) (*keystore.Store, keystore.Codec, error) {
	codec, _, err := Detect(data)
	if err != nil {
		return nil, nil, err
	}
	store, err := codec.Decode(data, opts)
	if err != nil {
		return nil, nil, err
	}
	return store, codec, nil
}

// Encode writes a store in a format by name, and says what that changed; a change that is a loss is for the caller to
// judge, the file does not have what was lost.
func Encode(name string, s *keystore.Store, opts keystore.EncodeOptions) ([]byte, []keystore.Change, error) {
	codec, err := ByName(name)
	if err != nil {
		return nil, nil, err
	}
	fitted, changes, err := codec.Fit(s, opts)
	if err != nil {
		return nil, nil, err
	}
	data, err := keystore.Build(codec, fitted, opts)
	if err != nil {
		return nil, nil, err
	}
	return data, changes, nil
}
