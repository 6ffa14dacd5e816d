package targets

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

func TestVersion(t *testing.T) {
	for text, want := range map[string]string{"9": "9.0", "9.3": "9.3", "7.5.0.0": "7.5", "7.5.0.1": "7.5.0.1", "2.0.11": "2.0.11.0"} {
		v, err := ParseVersion(text)
		require.NoError(t, err)
		assert.Equal(t, want, v.String())
	}
	for _, bad := range []string{"", "a", "1.", "1.2.3.4.5", "-1", "99999", "1..2", "+1"} {
		_, err := ParseVersion(bad)
		require.Error(t, err, bad)
	}
	assert.True(t, Version{7, 5}.Before(Version{7, 5, 0, 1}))
	assert.False(t, Version{8}.Before(Version{7, 5, 0, 1}))
	assert.False(t, Version{8}.Before(Version{8}))
}

func TestParseLoss(t *testing.T) {
	loss, err := ParseLoss("SSLREQ:limits.packet_bytes")
	require.NoError(t, err)
	assert.Equal(t, Loss{"SSLREQ", PacketBytes}, loss)
	for _, bad := range []string{"", "crl", ":crl", "A:", "A:all", "A:*"} {
		_, err := ParseLoss(bad)
		require.Error(t, err, bad)
	}
}

func TestPlainPath(t *testing.T) {
	for path, want := range map[string]bool{
		"/etc/mosquitto": true, "C:/mosquitto": true, "/a/b-c_d.e/1": true, "etc": false, "/": false, "": false, "/a b": false, "/a/../b": false,
		"/-rf": false, "/a;b": false, "/$x": false, "/a/": false, "/é": false, "/a\nb": false,
	} {
		assert.Equal(t, want, PlainPath(path), "%q", path)
	}
}

func TestInstallLines(t *testing.T) {
	assert.Equal(t, []string{
		"install -d -m 0755 /etc/x",
		"install -d -m 0755 /etc/x/y",
		"install -o root -g root -m 0644 a /etc/x/a",
		"install -o root -g broker -m 0640 y/k /etc/x/y/k",
	}, InstallLines([]File{
		Public("a", "/etc/x/a", "", nil),
		Public("README", "", "", nil),
		{Artifact: keystore.Artifact{Path: "y/k", Owner: "root:broker"}, Dest: "/etc/x/y/k", DestMode: 0o640},
	}))
}

func TestRandomPassword(t *testing.T) {
	p, err := RandomPassword(bytes.NewReader(make([]byte, 20)), 20)
	require.NoError(t, err)
	assert.Equal(t, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", p)
	_, err = RandomPassword(bytes.NewReader(nil), 20)
	require.Error(t, err)
}
