package strictyaml

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

type inner struct {
	Name string   `yaml:"name"`
	Port int      `yaml:"port"`
	On   *bool    `yaml:"on"`
	Tags []string `yaml:"tags"`
}

type outer struct {
	Server string          `yaml:"server"`
	List   []inner         `yaml:"list"`
	One    inner           `yaml:"one"`
	Extra  map[string]Node `yaml:"extra"`
}

func TestDecode(t *testing.T) {
	var got outer
	at, err := Decode([]byte(`server: a   # comment
list:
  - name: one
    port: 8883
    on: false
  - {name: "two: #", port: -1, tags: [x, 'y']}
one: {name: "*"}
extra:
  mq:
    {name: z}
`), &got, Options{})
	require.NoError(t, err)
	off := false
	assert.Equal(t, []inner{{Name: "one", Port: 8883, On: &off}, {Name: "two: #", Port: -1, Tags: []string{"x", "y"}}}, got.List)
	assert.Equal(t, "*", got.One.Name)
	assert.Equal(t, Position{4, 11}, at.Find("list[0].port"))
	assert.Equal(t, Position{6, 5}, at.Find("list[1].on"), "what is missing is reported at what should hold it")
	assert.Equal(t, Position{6, 42}, at.Find("list[1].tags[1]"))

	var mq inner
	at, err = got.Extra["mq"].Decode(&mq)
	require.NoError(t, err)
	assert.Equal(t, "z", mq.Name)
	assert.Equal(t, Position{10, 12}, at.Find("extra.mq.name"))
	assert.Equal(t, "{name: z}\n", string(got.Extra["mq"].YAML()))
}

func TestDecodeReportsEverything(t *testing.T) {
	var got outer
	_, err := Decode([]byte(`server: 12
serve: a
list:
  - name: one
    port: "8883"
    port: 1
    On: true
  - text
  - {port: 0x10, on: maybe, tags: x, name: }
one: &a {name: z}
extra: []
`), &got, Options{})
	require.ErrorIs(t, err, keystore.ErrFormat)
	assert.Equal(t, strings.TrimSpace(`
line 1, column 9: server: a number where text is wanted; put it in quotes
line 2, column 1: serve: unknown key; known here: server, list, one, extra
line 5, column 11: list[0].port: text where a whole number is wanted
line 6, column 5: list[0].port: the key stands here a second time
line 7, column 5: list[0].On: unknown key; known here: name, port, on, tags
line 8, column 5: list[1]: text where key: value pairs are wanted
line 9, column 12: list[2].port: "0x10" is not a whole number in plain decimal, or too large
line 9, column 22: list[2].on: text where true or false is wanted
line 9, column 35: list[2].tags: text where a list is wanted
line 9, column 43: list[2].name: nothing where text is wanted
line 10, column 6: one: an anchor (&name) is not read here
line 11, column 8: extra: a list where key: value pairs are wanted
`), err.Error())
	assert.Equal(t, "one", got.List[0].Name, "what can be read is kept")
}

func TestAByteOrderMarkIsNoText(t *testing.T) {
	var got outer
	at, err := Decode([]byte("\xef\xbb\xbfserver: a\r\nlist:\r\n  - {name: b}\r\n"), &got, Options{})
	require.NoError(t, err)
	assert.Equal(t, "a", got.Server)
	assert.Equal(t, Position{1, 9}, at.Find("server"))
}

func TestDecodeRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, text, want string
		kind             error
	}{
		{"nothing", "", "the file is empty", keystore.ErrFormat},
		{"only a comment", "# x\n", "empty", keystore.ErrFormat},
		{"two documents", "server: a\n---\nserver: b\n", "a second document", keystore.ErrFormat},
		{"bad syntax", "server: [a\n", "line 1, column", keystore.ErrFormat},
		{"bad indentation", "list:\n  - name: a\n   port: 1\n", "line 3, column", keystore.ErrFormat},
		{"an alias", "server: *a\n", "is not read here", keystore.ErrFormat},
		{"an unquoted star", "server: *\n", "line 1, column 9: a value that begins with * needs quotes", keystore.ErrFormat},
		{"an unquoted star in a flow", "server: a\nlist:\n  - {port: 1, name: *, tags: []}\n", "line 3, column 21: a value that begins with * needs quotes", keystore.ErrFormat},
		{"a tab", "list:\n\t- name: a\n", "line 2, column 1: a tab, and YAML is indented with blanks", keystore.ErrFormat},
		{"a merge key", "one: {<<: {name: a}}\n", "a key must be plain text", keystore.ErrFormat},
		{"a tag", "server: !!binary aGk=\n", "a tag", keystore.ErrFormat},
		{"a NUL", "server: \x00\n", "control character U+0000", keystore.ErrFormat},
		{"not UTF-8", "server: \xff\n", "not UTF-8", keystore.ErrFormat},
		{"too large", strings.Repeat("#\n", 1<<20), "2097152 bytes", keystore.ErrTooLarge},
		{"a long line", "server: " + strings.Repeat("a", 5000), "line 1 has 5008 bytes", keystore.ErrTooLarge},
		{"deep flow", "server: " + strings.Repeat("[", 1000), "nested deeper", keystore.ErrTooLarge},
		{"deep blocks", "extra: \n  " + strings.Repeat("- ", 2000) + "a", "line 2", keystore.ErrFormat},
		{"a list", "- a\n", "a list where key: value pairs are wanted", keystore.ErrFormat},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Decode([]byte(tc.text), &outer{}, Options{})
			require.ErrorIs(t, err, tc.kind)
			assert.Contains(t, err.Error(), tc.want)
		})
	}
}

// FuzzDecode promises that whatever the bytes are there is a value or an error of a known kind, and no panic.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("server: a\nlist:\n  - {name: b, port: 1}\n"))
	f.Add([]byte("one: &a {name: *a}\n? x\n: y\n"))
	f.Add([]byte("extra: {a: |\n  x\n, b: 'c'}\n--- \n..."))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got outer
		_, err := Decode(data, &got, Options{MaxBytes: 64 << 10})
		if err != nil && keystore.KindOf(err) == nil {
			t.Errorf("error of no kind: %v", err)
		}
		for _, n := range got.Extra {
			var in inner
			_, _ = n.Decode(&in)
			_ = n.YAML()
		}
	})
}
