package scripts_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// source is what the replaced initcert set, as far as it does not depend on the platform; the password has no default.
var source = map[string]string{
	"caalias": "caalias", "srvalias": "srvalias", "cltalias": "cltalias",
	"cadname":   "CN=mqttca.ibm.id.com, OU=ID, O=IBM, L=Hursley, S=Hants, C=GB",
	"srvdname":  "CN=mqttserver.ibm.id.com, OU=ID, O=IBM, L=Hursley, S=Hants, C=GB",
	"cltdname":  "CN=mqttclient.ibm.id.com, OU=ID, O=IBM, L=Hursley, S=Hants, C=GB",
	"validity":  "5000",
	"algorithm": "RSA",
	"jsamppath": "SDKRoot/sdk/clients/java/samples",
	"csamppath": "SDKRoot/sdk/clients/c/samples",
	"openssl":   "SDKRoot/openssl",
	"certpath":  "SDKRoot/Certificates",

	"cajkskeystore": "certpath/cakeystore.jks", "cacert": "certpath/cacert.cer",
	"srvjkskeystore": "certpath/srvkeystore.jks", "srvcertreq": "certpath/srvcertreq.csr",
	"srvcertcasigned": "certpath/srvcertcasigned.cer", "srvcertselfsigned": "certpath/srvcertselfsigned.cer",
	"cltjkskeystore": "certpath/cltkeystore.jks", "cltcertreq": "certpath/cltcertreq.csr",
	"cltcertcasigned": "certpath/cltcacertsigned.cer", "cltcertselfsigned": "certpath/cltcertselfsigned.cer",
	"cltcajkstruststore": "certpath/cltcatruststore.jks", "cltsrvjkstruststore": "certpath/cltsrvtruststore.jks",
	"cltp12keystore": "certpath/cltkeystore.p12", "cltpemkeystore": "certpath/cltkeystore.pem",
	"cltcap12truststore": "certpath/cltcatruststore.p12", "cltcapemtruststore": "certpath/cltcatruststore.pem",
	"cltsrvp12truststore": "certpath/cltsrvtruststore.p12", "cltsrvpemtruststore": "certpath/cltsrvtruststore.pem",
	"mqlog": "certpath/wmq.log",

	"qm": "MQXR_SAMPLE_QM", "host": "localhost", "mcauser": "'Guest'", "authopt": "NEVER", "authreq": "REQUIRED",
	"chlopt": "SSLOPT", "portsslopt": "8884", "chlreq": "SSLREQ", "portsslreq": "8885",
	"chlws": "PLAINWS", "portws": "1886", "chlssloptws": "SSLOPTWS", "portssloptws": "8886",
	"chlsslreqws": "SSLREQWS", "portsslreqws": "8887",
}

// byPlatform may differ between the two files.
var byPlatform = []string{"SDKRoot", "javapath", "keytool", "ikeyman", "runopenssl", "mqttpki"}

var (
	shDefault  = regexp.MustCompile(`(?m)^export (\w+)="\$\{(\w+):-(.*)\}"$`)
	batDefault = regexp.MustCompile(`(?m)^if not defined (\w+) set "(\w+)=(.*)"\r?$`)
)

// defaults reads the defaults of an initcert, both of whose names in a line must be the same.
func defaults(t *testing.T, file string, line *regexp.Regexp) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	found := map[string]string{}
	for _, m := range line.FindAllStringSubmatch(string(text), -1) {
		assert.Equal(t, m[1], m[2], "%s sets one variable for want of another", file)
		value := regexp.MustCompile(`\$(\w+)|%(\w+)%`).ReplaceAllString(m[3], "$1$2")
		found[m[1]] = strings.ReplaceAll(value, `\`, "/")
	}
	for _, name := range byPlatform {
		delete(found, name)
	}
	return found
}

func TestVariablesHaveTheSourcesDefaults(t *testing.T) {
	sh := defaults(t, "initcert.sh", shDefault)
	bat := defaults(t, "initcert.bat", batDefault)
	assert.Equal(t, sh, bat, "initcert.sh and initcert.bat differ")
	for name, value := range source {
		assert.Equal(t, value, sh[name], name)
	}
	for name := range sh {
		if !strings.HasSuffix(name, "pass") {
			continue
		}
		t.Errorf("%s has a default; passwords have none", name)
	}
	assert.NotContains(t, sh, "password")
}

// Every script stands in both shells, and the batch files have the line endings that cmd.exe needs for its labels.
func TestScriptsStandInBothShells(t *testing.T) {
	sh, err := filepath.Glob("*.sh")
	require.NoError(t, err)
	bat, err := filepath.Glob("*.bat")
	require.NoError(t, err)
	require.NotEmpty(t, sh)
	names := func(files []string) []string {
		out := make([]string, len(files))
		for i, f := range files {
			out[i] = strings.TrimSuffix(f, filepath.Ext(f))
		}
		return out
	}
	assert.Equal(t, names(sh), names(bat))
	attributes, err := os.ReadFile("../.gitattributes")
	require.NoError(t, err)
	assert.Contains(t, string(attributes), "*.bat text eol=crlf")
	for _, f := range bat {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		assert.Equal(t, strings.Count(string(text), "\n"), strings.Count(string(text), "\r\n"), "%s has lines without CR", f)
	}
}
