package scripts_test

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sourceChannels is what the replaced mqcerts fed to runmqsc; KEYSTORE stands for the path.
const sourceChannels = `
DEFINE CHANNEL(SSLREQ) CHLTYPE(MQTT) TRPTYPE(TCP) PORT(8885) SSLCAUTH(REQUIRED) SSLKEYR('KEYSTORE') SSLKEYP('pass word & more') MCAUSER('Guest')
DEFINE CHANNEL(SSLOPT) CHLTYPE(MQTT) TRPTYPE(TCP) PORT(8884) SSLCAUTH(NEVER) SSLKEYR('KEYSTORE') SSLKEYP('pass word & more') MCAUSER('Guest')
DEFINE CHANNEL(SSLREQWS) CHLTYPE(MQTT) TRPTYPE(TCP) PORT(8887) SSLCAUTH(REQUIRED) SSLKEYR('KEYSTORE') SSLKEYP('pass word & more') MCAUSER('Guest') PROTOCOL(HTTP)
DEFINE CHANNEL(SSLOPTWS) CHLTYPE(MQTT) TRPTYPE(TCP) PORT(8886) SSLCAUTH(NEVER) SSLKEYR('KEYSTORE') SSLKEYP('pass word & more') MCAUSER('Guest') PROTOCOL(HTTP)
DEFINE CHANNEL(PLAINWS) CHLTYPE(MQTT) TRPTYPE(TCP) PORT(1886) MCAUSER('Guest') PROTOCOL(HTTP)
`

// added is what we write beside: the product's own defaults, which a site may have changed, and REPLACE, so that the
// script can be run again.
var added = []string{"PROTOCOL(MQTTV311,MQTTV3)", "USECLTID(NO)", "BACKLOG(4096)", "REPLACE"}

// keywords matches the words of a command; a quoted value may hold blanks.
var keywords = regexp.MustCompile(`[A-Z]+(\(('[^']*'|[^)]*)\))?`)

// commands returns the words of each command of an MQSC text: comments left out, continued lines joined as runmqsc
// joins them, names without the quotes that they can do without.
func commands(mqsc string) [][]string {
	joined := regexp.MustCompile(`\+\r?\n *`).ReplaceAllString(mqsc, "")
	var all [][]string
	for line := range strings.Lines(joined) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '*' {
			continue
		}
		line = regexp.MustCompile(`CHANNEL\('([A-Z]+)'\)`).ReplaceAllString(line, "CHANNEL($1)")
		all = append(all, keywords.FindAllString(line, -1))
	}
	return all
}

func TestChannelsAreTheSources(t *testing.T) {
	shells(t, func(t *testing.T, p *place) {
		out := p.run("mqcerts")
		assert.Contains(t, out, "There is no runmqsc here")
		assert.Contains(t, out, "srvkeystore.jks yet")
		text, err := os.ReadFile(p.file("mqcerts.mqsc"))
		require.NoError(t, err)

		want := commands(strings.ReplaceAll(sourceChannels, "KEYSTORE", p.path(p.file("srvkeystore.jks"))))
		got := commands(string(text))
		require.Len(t, got, len(want), "%s", text)
		for i, channel := range got {
			assert.Subset(t, channel, want[i])
			assert.Subset(t, append(want[i], added...), channel)
		}
		for line := range strings.Lines(string(text)) {
			assert.LessOrEqual(t, len(line), 73)
		}
		if p.wine == nil {
			p.mode("mqcerts.mqsc")
		}
	})
}

// mode requires that a file is its owner's alone.
func (p *place) mode(name string) {
	p.t.Helper()
	info, err := os.Stat(p.file(name))
	require.NoError(p.t, err)
	assert.EqualValues(p.t, 0o600, info.Mode().Perm(), name)
}

// Where there is a runmqsc it gets exactly what is in the file, for the queue manager; what it says is logged where
// nobody else can read it, and when it fails the script does.
func TestChannelsAreFedToRunmqsc(t *testing.T) {
	shells(t, func(t *testing.T, p *place) {
		goos := runtime.GOOS
		if p.wine != nil {
			goos = "windows"
		}
		program := build(t, goos, "github.com/mqttpki/mqttpki/scripts/testdata/runmqsc")
		if p.wine == nil {
			p.env["PATH"] = filepath.Dir(program) + ":" + os.Getenv("PATH")
		} else {
			p.env["WINEPATH"] = p.path(filepath.Dir(program))
		}
		seen := filepath.Join(t.TempDir(), "seen")
		p.env["RUNMQSC_SEEN"] = p.path(seen)

		out := p.run("mqcerts")
		assert.NotContains(t, out, p.env["password"])
		text, err := os.ReadFile(p.file("mqcerts.mqsc"))
		require.NoError(t, err)
		got, err := os.ReadFile(seen)
		require.NoError(t, err)
		assert.Equal(t, "MQXR_SAMPLE_QM\n"+string(text), string(got))

		p.env["qm"] = "REFUSED"
		out, err = p.try("mqcerts")
		assert.Error(t, err)
		assert.Contains(t, out, "wmq.log")
		log, err := os.ReadFile(p.file("wmq.log"))
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(string(log), string(text)), "%s", log)
		assert.Contains(t, string(log), "* For queue manager REFUSED")
		if p.wine == nil {
			p.mode("wmq.log")
		}
	})
}
