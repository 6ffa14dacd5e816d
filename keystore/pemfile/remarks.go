package pemfile

import (
	"bytes"
	"strings"
)

// listing are the beginnings of lines that programs print of each entry beside its block; they say nothing that the block
// does not, or what is read as its name.
var listing = []string{"Bag Attributes", "Key Attributes", "friendlyName", "localKeyID", "subject=", "issuer=", "Alias name:", "Friendly name:"}

// HasRemarks reports whether a PEM file has text beside its blocks that somebody may have written to be kept: anything but
// the comments that Encode writes, and the lines that OpenSSL or Java list an entry with. Reading and writing a file loses it.
func HasRemarks(data []byte) bool {
	inside := false
	for len(data) > 0 {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte("\n"))
		line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\xEF\xBB\xBF")))
		switch {
		case bytes.HasPrefix(line, []byte(beginMark)):
			inside = true
		case bytes.HasPrefix(line, []byte(endMark)):
			inside = false
		case !inside && isRemark(string(line)):
			return true
		}
	}
	return false
}

// isRemark reports whether a line between blocks is one of a person's.
func isRemark(line string) bool {
	if line == "" || line+"\n" == emptyFile {
		return false
	}
	if comment, ok := strings.CutPrefix(line, "#"); ok {
		var n note
		n.readComment(strings.TrimSpace(comment))
		return n.word == ""
	}
	for _, beginning := range listing {
		if strings.HasPrefix(line, beginning) {
			return false
		}
	}
	return true
}
