package pemfile_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mqttpki/mqttpki/keystore/pemfile"
)

func TestHasRemarks(t *testing.T) {
	const block = "-----BEGIN CERTIFICATE-----\nnot: a remark\nAAAA\n-----END CERTIFICATE-----\n"
	for _, tc := range []struct {
		name, text string
		want       bool
	}{
		{"nothing but a block", block, false},
		{"behind a byte order mark, with the line ends of Windows", "\xEF\xBB\xBF" + strings.ReplaceAll("\n"+block+"\n", "\n", "\r\n"), false},
		{"our own comments", "# key: a\n" + block + "# trusted\n" + block, false},
		{"an empty store of ours", "# no entries\n", false},
		{"what openssl lists", "Bag Attributes\n    friendlyName: a\n    localKeyID: 01 02\nsubject=CN = a\nissuer=CN = b\n" + block, false},
		{"a comment in front", "# partner CA, ask Bob before removing\n" + block, true},
		{"a comment between", block + "# keys of the old plant\n" + block, true},
		{"text at the end", block + "remember to renew", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.Equal(t, tc.want, pemfile.HasRemarks([]byte(tc.text)))
		})
	}
}
