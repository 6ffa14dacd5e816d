package scripts_test

import (
	"encoding/pem"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/jksfile"
	"github.com/mqttpki/mqttpki/keystore/p12file"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// What keytool -list -v says of an entry.
var (
	entryStart  = regexp.MustCompile(`(?m)^Alias name: `)
	entryAlias  = regexp.MustCompile(`\A(.*)`)
	entryType   = regexp.MustCompile(`(?m)^Entry type: (\w+)`)
	entryOwners = regexp.MustCompile(`(?m)^Owner: (.*)$`)
	storeType   = regexp.MustCompile(`(?m)^Keystore type: (\w+)`)
)

// keytool lists a store as "JKS: PrivateKeyEntry srvalias [CN=...; CN=...]", one line an entry, keys first.
func keytool(t *testing.T, store, password string) string {
	t.Helper()
	jdk := interop.JDKs(t)[0]
	t.Setenv("STOREPASS", password)
	out := interop.Run(t, "", jdk.Tool("keytool"), "-J-Duser.language=en", "-list", "-v", "-keystore", store, "-storepass:env", "STOREPASS")
	var lines []string
	for _, entry := range entryStart.Split(out, -1)[1:] {
		var owners []string
		for _, m := range entryOwners.FindAllStringSubmatch(entry, -1) {
			owners = append(owners, m[1])
		}
		lines = append(lines, entryType.FindStringSubmatch(entry)[1]+" "+strings.TrimSpace(entryAlias.FindString(entry))+
			" ["+strings.Join(owners, "; ")+"]")
	}
	slices.Sort(lines) // keytool lists them in the order of a hash table
	return storeType.FindStringSubmatch(out)[1] + "\n" + strings.Join(lines, "\n")
}

// listing is keytool's answer as our own reader gives it, without the seconds that keytool takes.
func listing(t *testing.T, file, password string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	codec, title := keystore.Codec(jksfile.Codec{}), "JKS"
	if !codec.Sniff(data) {
		codec, title = p12file.Codec{}, "PKCS12"
	}
	store, err := codec.Decode(data, keystore.DecodeOptions{Password: keystore.Secret(password)})
	require.NoError(t, err)
	owners := func(chain ...keystore.Certificate) string {
		var names []string
		for _, c := range chain {
			name, err := keystore.ParseName(c.X509.RawSubject)
			require.NoError(t, err)
			names = append(names, name.JavaString())
		}
		return " [" + strings.Join(names, "; ") + "]"
	}
	lines := []string{title}
	for _, id := range store.Identities {
		lines = append(lines, "PrivateKeyEntry "+id.Alias+owners(id.Chain...))
	}
	for _, a := range store.Anchors {
		lines = append(lines, "trustedCertEntry "+a.Alias+owners(a.Certificate))
	}
	return strings.Join(lines, "\n")
}

// pemTypes lists the blocks of a PEM file, certificates with their subjects as openssl prints them.
func pemTypes(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var lines []string
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		line := block.Type
		if block.Type == "CERTIFICATE" {
			line += " " + field(certificate(t, block.Bytes), "subject=")
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// certificate has openssl print a DER certificate's names, dates and extensions.
func certificate(t *testing.T, der []byte) string {
	t.Helper()
	file := t.TempDir() + "/c.der"
	require.NoError(t, os.WriteFile(file, der, 0o600))
	return interop.Run(t, "", interop.Need(t, "openssl"), "x509", "-in", file, "-inform", "DER", "-noout", "-subject", "-issuer",
		"-startdate", "-enddate", "-ext", "subjectAltName,extendedKeyUsage,basicConstraints,keyUsage")
}

// field returns the rest of the line that begins with name.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), name); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// der returns the one certificate of a .cer file, PEM or DER.
func der(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	if block, _ := pem.Decode(data); block != nil {
		return block.Bytes
	}
	return data
}
