package channels

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

func TestUserFile(t *testing.T) {
	random := bytes.NewReader(bytes.Repeat([]byte{1, 2, 3}, 100))
	var u UserFile
	require.NoError(t, u.Set("alice", keystore.Secret("one"), 10, random))
	require.NoError(t, u.Set("bob", keystore.Secret("two"), 10, random))
	require.NoError(t, u.Set("carol", keystore.Secret("three"), 10, random))
	assert.True(t, strings.HasPrefix(string(u.Bytes()), "alice:$7$10$AQIDAQIDAQIDAQID$"))

	back, err := ParseUsers(append([]byte("# kept\n"), u.Bytes()...))
	require.NoError(t, err)
	assert.True(t, back.Verify("alice", keystore.Secret("one")))
	assert.False(t, back.Verify("alice", keystore.Secret("two")))
	assert.False(t, back.Verify("alice", nil))
	assert.False(t, back.Verify("mallory", keystore.Secret("one")))

	require.NoError(t, back.Set("bob", keystore.Secret("new"), 11, random))
	assert.True(t, back.Remove("alice"))
	assert.False(t, back.Remove("alice"))
	assert.False(t, back.Has("alice"))
	assert.True(t, back.Verify("bob", keystore.Secret("new")))
	assert.True(t, back.Verify("carol", keystore.Secret("three")))
	assert.Equal(t, []string{"bob", "carol"}, back.Names())
	assert.Equal(t, 3, strings.Count(string(back.Bytes()), "\n"))
	assert.True(t, strings.HasPrefix(string(back.Bytes()), "# kept\nbob:$7$11$"))
	assert.True(t, back.Remove("carol"))
	require.NoError(t, back.Set("carol", keystore.Secret("x"), 1, random))
	assert.Equal(t, []string{"bob", "carol"}, back.Names())
}

func TestUserFileRefuses(t *testing.T) {
	hash := strings.Repeat("A", 86) + "=="
	for _, tc := range []struct {
		name, text string
		want       error
	}{
		{"a plain password", "a:secret\n", keystore.ErrFormat},
		{"no hash", "a\n", keystore.ErrFormat},
		{"no name", ":$7$1$AAAA$" + hash + "\n", keystore.ErrFormat},
		{"another hash", "a:$argon2id$v=19$x\n", keystore.ErrUnsupported},
		{"a short hash", "a:$7$1$AAAA$AAAA\n", keystore.ErrFormat},
		{"no salt", "a:$7$1$$" + hash + "\n", keystore.ErrFormat},
		{"no iterations", "a:$7$$AAAA$" + hash + "\n", keystore.ErrFormat},
		{"zero iterations", "a:$7$0$AAAA$" + hash + "\n", keystore.ErrFormat},
		{"many iterations", "a:$7$5000001$AAAA$" + hash + "\n", keystore.ErrTooLarge},
		{"twice", "a:$7$1$AAAA$" + hash + "\na:$7$1$AAAA$" + hash + "\n", keystore.ErrFormat},
		{"a control character", "a\x01:$7$1$AAAA$" + hash + "\n", keystore.ErrFormat},
		{"a long line", strings.Repeat("a", 2000) + "\n", keystore.ErrTooLarge},
		{"a big file", strings.Repeat("#\n", maxUsersFile), keystore.ErrTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u, err := ParseUsers([]byte(tc.text))
			require.ErrorIs(t, err, tc.want)
			assert.Nil(t, u)
			assert.NotContains(t, err.Error(), "secret")
		})
	}
	var u UserFile
	for _, name := range []string{"", "a:b", "a b", "#a", "a\n", "-a", "é", strings.Repeat("a", 65), "+", "a/b", "$a"} {
		require.ErrorIs(t, u.Set(name, keystore.Secret("x"), 1, bytes.NewReader(make([]byte, 100))), keystore.ErrFormat, "%q", name)
	}
	for _, password := range []string{"", "a\x00b", strings.Repeat("a", 65536)} {
		require.ErrorIs(t, u.Set("a", keystore.Secret(password), 1, bytes.NewReader(make([]byte, 100))), keystore.ErrFormat)
	}
	require.Error(t, u.Set("a", keystore.Secret("x"), 1, bytes.NewReader(nil)), "no randomness, no password")
	assert.Empty(t, u.Bytes())
}

// TestUserFileReadsMosquitto lets mosquitto_passwd make a file that we read.
func TestUserFileReadsMosquitto(t *testing.T) {
	passwd := interop.Need(t, "mosquitto_passwd")
	path := filepath.Join(t.TempDir(), "users")
	interop.Run(t, ".", passwd, "-b", "-c", path, "alice", "ge heim$")
	if out, err := interop.Try(t, ".", passwd, "-b", "-H", "sha512", path, "bob", "old"); err != nil {
		t.Logf("no older form: %s", out)
		interop.Run(t, ".", passwd, "-b", path, "bob", "old")
	}
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	u, err := ParseUsers(data)
	require.NoError(t, err)
	assert.True(t, u.Verify("alice", keystore.Secret("ge heim$")))
	assert.True(t, u.Verify("bob", keystore.Secret("old")))
	assert.False(t, u.Verify("bob", keystore.Secret("ge heim$")))
}

// TestUserFileSHA512 reads the older form, whose definition is SHA-512 of password and salt.
func TestUserFileSHA512(t *testing.T) {
	// printf 'old\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00' | openssl dgst -sha512 -binary | base64 -w0
	u, err := ParseUsers([]byte("bob:$6$AAAAAAAAAAAAAAAA$FR6TWBD/bRdUduiNRHWmvmBYkMCpVkI9w+ZKF46d6pEYB3ceQjeNJIZ4awwZkXrTY4+5gYoTqFzb5w8FL/2D+Q==\n"))
	require.NoError(t, err)
	assert.True(t, u.Verify("bob", keystore.Secret("old")))
	assert.False(t, u.Verify("bob", keystore.Secret("new")))
}

// FuzzUsersFile promises a file that reads back as it was, or an error of a known kind.
func FuzzUsersFile(f *testing.F) {
	hash := strings.Repeat("A", 86) + "=="
	f.Add([]byte("# c\n\na:$7$101$AAAAAAAAAAAAAAAA$" + hash + "\r\nb:$6$AAAA$" + hash))
	f.Add([]byte("a:x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := ParseUsers(data)
		if err != nil {
			if u != nil || keystore.KindOf(err) == nil {
				t.Fatalf("got %v with error %v; want nil and one of the kinds", u, err)
			}
			return
		}
		back, err := ParseUsers(u.Bytes())
		if err != nil || !bytes.Equal(back.Bytes(), u.Bytes()) {
			t.Fatalf("%q reads back as %v, %v", u.Bytes(), back, err)
		}
		for _, name := range u.Names() {
			if !back.Remove(name) || back.Has(name) {
				t.Fatalf("cannot remove %q", name)
			}
		}
	})
}
