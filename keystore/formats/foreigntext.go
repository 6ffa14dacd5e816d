package formats

import (
	"bytes"
	"encoding/json"
	"regexp"
)

// This file recognises foreign formats of text: OpenSSH's public keys, and those of JSON.

// sshPublic matches a line of a public key or of authorized_keys.
var sshPublic = regexp.MustCompile(`^(ssh-(rsa|dss)|ecdsa-sha2-\S+|sk-\S+@openssh\.com) AAAA`)

// isOpenSSHPublic reports whether data begins with a public key of OpenSSH's.
func isOpenSSHPublic(data []byte) bool { return sshPublic.Match(behindComments(data)) }

// isOpenSSHPublicEd25519 is isOpenSSHPublic for Ed25519.
func isOpenSSHPublicEd25519(data []byte) bool {
	return bytes.HasPrefix(behindComments(data), []byte("ssh-ed25519 AAAA"))
}

// behindComments returns the beginning of the first line that is neither empty nor a comment.
func behindComments(data []byte) []byte {
	for {
		data = bytes.TrimLeft(data, " \t\r\n")
		if len(data) == 0 || data[0] != '#' {
			return data[:min(len(data), 200)]
		}
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
}

// jwkWith returns a test for a JSON object with a member of that name, among the members that JSON Web Keys have. Data
// may be the beginning of a longer one.
func jwkWith(member string) func([]byte) bool {
	return func(data []byte) bool {
		members := jwkMembers(jsonText(data))
		return members[member] && (members["kty"] || members["keys"])
	}
}

// isJWKSet reports whether data is an object with a list of keys, or such a list alone.
func isJWKSet(data []byte) bool {
	text := jsonText(data)
	if list, is := bytes.CutPrefix(text, []byte("[")); is {
		return jwkMembers(list)["kty"]
	}
	return jwkMembers(text)["keys"]
}

// jsonText cuts off what may stand before an object.
func jsonText(data []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF")), " \t\r\n")
}

// jwkMembers returns the names of the members of a JSON object, as far as they are there.
func jwkMembers(data []byte) map[string]bool {
	in := json.NewDecoder(bytes.NewReader(data))
	if start, err := in.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	members := map[string]bool{}
	for in.More() {
		name, err := in.Token()
		text, ok := name.(string)
		if err != nil || !ok {
			return members
		}
		members[text] = true
		var skipped json.RawMessage
		if in.Decode(&skipped) != nil {
			return members
		}
	}
	return members
}
