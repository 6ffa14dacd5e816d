package inspect

import (
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// protections reports how the parts of a file are protected.
func protections(s *keystore.Store) []Protection {
	list := []Protection{}
	for _, p := range s.Protection {
		if p.Weak == "" && p.Part == "mac" && strings.HasSuffix(p.Algorithm, "MD5") {
			p.Weak = "MD5: broken"
		}
		list = append(list, Protection(p))
	}
	return list
}

// exportGrade is what the names of ciphers have whose keys were cut short for export from the USA.
const exportGrade = "-40"

// protection judges passwords, ciphers and who can read the file.
func (f *finder) protection(s *keystore.Store, o Options) {
	encrypted := 0
	said := map[string]bool{}
	for _, p := range protections(s) {
		if p.Algorithm == notEncrypted {
			continue
		}
		if p.Part == "key" {
			encrypted++
		}
		if p.Weak == "" || said[p.Part+p.Algorithm+p.Weak] {
			continue // one sentence for all keys that are encrypted alike
		}
		said[p.Part+p.Algorithm+p.Weak] = true
		if strings.Contains(p.Algorithm, exportGrade) {
			f.addPart("export-protection", p)
		} else {
			f.addPart("weak-protection", p)
		}
	}
	keys := len(s.Identities)
	bare := keys - encrypted
	if bare > 0 && !f.reported("key-unencrypted") {
		f.add("key-unencrypted", Notice, "", "The private key is not encrypted; nothing but the file's permissions protects it.")
	}
	if keys > 0 && encrypted > 0 && o.Password == "empty" {
		f.add("empty-password", Warning, "", "The empty password opens the file, so whoever has the file has the key.")
	}
	const others = 0o004
	switch {
	case keys == 0 || o.Mode&others == 0:
	case bare > 0:
		f.add("key-readable", Warning, "", "Everybody on this machine can read the file (mode %04o), and the private key in it is not encrypted.", o.Mode)
	default:
		f.add("key-readable", Notice, "", "Everybody on this machine can read the file (mode %04o); only its password protects the private key.", o.Mode)
	}
}

// addPart adds what is weak about a part; each part of an entry may have something.
func (f *finder) addPart(code string, p Protection) {
	f.found = append(f.found, Problem{code, Warning, p.Alias, sentence(p.Algorithm + " (" + p.Part + "): " + p.Weak)})
}

// reported reports whether there is a problem of that code already, of whatever entry.
func (f *finder) reported(code string) bool {
	for _, p := range f.found {
		if p.Code == code {
			return true
		}
	}
	return false
}
