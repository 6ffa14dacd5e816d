package bundled

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
	"github.com/mqttpki/mqttpki/channels/targets/targettest"
)

func TestGolden(t *testing.T) {
	d, err := channels.Preset("mtls", "localhost")
	require.NoError(t, err)
	d.Trust = append(d.Trust, channels.Trust{CA: "partner/ca.crt", CRL: "partner/ca.crl", Users: "partner-*"})
	pki := targettest.New(t)
	mat := pki.Material(d)
	files, problems, err := targets.Emit(Target{}, targets.Model{Deployment: d}, mat)
	require.NoError(t, err, "%v", problems)
	targettest.Golden(t, "mtls", targettest.Listing(files)+"=== install\n"+strings.Join(targets.InstallLines(files), "\n")+"\n")
	for _, f := range files {
		if f.Path == "channels.yaml" {
			assert.Equal(t, mat.ModelFile, f.Data, "the model goes as it is, comments and all")
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, change := range []func(d *channels.Deployment){
		func(d *channels.Deployment) { d.Users.File = "/etc/users" },
		func(d *channels.Deployment) { d.Users.File = "../users" },
		func(d *channels.Deployment) { d.Users.File = "a b" },
		func(d *channels.Deployment) { d.Trust[0] = channels.Trust{CA: "/x", CRL: "y"} },
		func(d *channels.Deployment) { d.Trust[0] = channels.Trust{CA: "x", CRL: "../y"} },
		func(d *channels.Deployment) {
			d.Targets = map[string]channels.TargetNode{"bundled": {Raw: []byte("dir: here\n")}}
		},
		func(d *channels.Deployment) {
			d.Targets = map[string]channels.TargetNode{"bundled": {Raw: []byte("run_as: A\n")}}
		},
	} {
		d, err := channels.Preset("mtls", "localhost")
		require.NoError(t, err)
		change(d)
		assert.Len(t, targets.Errors(Target{}.Check(targets.Model{Deployment: d})), 1)
	}
}
