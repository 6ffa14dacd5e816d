package cli

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
)

// TestPasswordOfAResultIsText: what is no UTF-8 text opens a PKCS12 or JKS file nowhere but here, so none is made. PEM is
// encrypted under bytes; and a store that has such a password keeps it in place.
func TestPasswordOfAResultIsText(t *testing.T) {
	const latin = "p\xe4ssword"
	t.Chdir(stores(t))
	write := func(name, text string) { require.NoError(t, os.WriteFile(name, []byte(text), 0o600)) }
	write("pass", "storepass\n")
	write("lat", latin+"\n")
	write("beside.pass", latin+"\n")
	identity := &keystore.Store{Identities: []keystore.Identity{testIdentity(t, "dev")}}
	writeStore(t, ".", "lat.p12", "p12", identity, latin, "")
	for _, tc := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"dev.p12", "out.p12", "--in-pass", "file:pass", "--out-pass", "file:lat"}, exitUsage, "hint: if it is in ISO 8859-1, write it in UTF-8: iconv -f ISO-8859-1 -t UTF-8 lat\n"},
		{[]string{"dev.p12", "out.jks", "--in-pass", "file:pass", "--out-pass", "file:lat"}, exitUsage, "mqttpki: the password for the result is not UTF-8 text"},
		{[]string{"dev.p12", "out.jks", "--in-pass", "file:pass", "--out-pass", "pass:" + latin}, exitUsage, "hint: name another, or the same in UTF-8\n"},
		{[]string{"dev.p12", "out.jks", "--in-pass", "file:pass", "--out-pass", "file:pass", "--key-pass", "file:lat"}, exitUsage, "the password for the result's keys is not"},
		{[]string{"dev.p12", "out.jks", "--in-pass", "file:pass", "--out-pass", "file:pass", "--key-pass", "dev=file:lat"}, exitUsage, `the password for the result's key "dev" is not`},
		{[]string{"lat.p12", "beside.p12", "--in-pass", "file:lat"}, exitUsage, "the password for the result, in beside.pass, is not UTF-8"},
		{[]string{"--in-place", "dev.p12", "--in-pass", "file:pass", "--out-pass", "file:lat"}, exitUsage, "the password for the result is not"},
		{[]string{"dev.p12", "out.pem", "--in-pass", "file:pass", "--out-pass", "file:lat"}, exitDone, ""},
		{[]string{"--in-place", "lat.p12", "--in-pass", "file:lat", "--rename", "dev=other"}, exitDone, ""},
		{[]string{"--in-place", "lat.p12", "--in-pass", "file:lat", "--out-pass", "file:lat", "--rename", "other=dev"}, exitDone, ""},
	} {
		_, errs, code := alone(context.Background(), nil, append([]string{"convert"}, tc.args...)...)
		assert.Equal(t, tc.code, code, "%v: %s", tc.args, errs)
		assert.Contains(t, errs, tc.says, tc.args)
		assert.NotContains(t, errs, latin)
	}
	for _, flags := range [][]string{{"--store-pass", "file:lat"}, {"--store-pass", "file:pass", "--trust-pass", "file:lat"}} {
		_, errs, code := alone(context.Background(), nil, append([]string{"selfsign", "client", "dev", "--format", "jks"}, flags...)...)
		assert.Equal(t, exitUsage, code, errs)
		assert.Contains(t, errs, "is not UTF-8 text", flags)
	}
	assert.NoFileExists(t, "out.jks")
	assert.NoFileExists(t, "out.p12")
}
