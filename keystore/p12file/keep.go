package p12file

import (
	"strings"

	"github.com/mqttpki/mqttpki/keystore"
)

// ProfileOf returns the profile and the iterations that come nearest to how a file was protected that has been read, so
// that whoever changes something else about it leaves it readable for those who read it. RC2 and RC4, which are never
// written, become 3DES. Iterations are 0, the default, where there was no derivation that a profile has.
func ProfileOf(s *keystore.Store) (profile string, iterations int) {
	profile = ProfileModern
	if len(s.Protection) == 0 && len(s.Identities) == 0 {
		return ProfilePasswordlessTrust, 0
	}
	for _, p := range s.Protection {
		switch {
		case p.Part == "mac":
			if strings.HasPrefix(p.Algorithm, "PBMAC1") {
				profile = ProfilePBMAC1
			}
			continue
		case strings.HasPrefix(p.Algorithm, "PBE-"):
			profile = ProfileLegacy
		case !strings.Contains(p.Algorithm, "PBKDF2"):
			continue
		}
		iterations = p.Iterations
	}
	return profile, iterations
}
