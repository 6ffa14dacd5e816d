package ibm

import (
	"fmt"
	"strings"

	"github.com/mqttpki/mqttpki/channels/targets"
	"github.com/mqttpki/mqttpki/channels/targets/ibmmq"
)

// MQSC returns the definitions of the channels, in the order in which mqcerts has always made them. They hold the key
// store's password. A value that IBM MQ would refuse is an error that wraps ErrSetting.
func (j *Job) MQSC() ([]byte, error) {
	password, err := j.Passwords.Of(j.passwordOfFile[j.Server.KeyStore])
	if err != nil {
		return nil, err
	}
	release, err := targets.ParseVersion(j.Channels.Release)
	if err != nil {
		return nil, fmt.Errorf("%w: mqversion: %v", ErrSetting, err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "* For queue manager %s\n* IBM MQ %s; the MQXR service must be running.\n", j.QueueManager, release)
	text.WriteString("* The key store's password stands in this file: keep it to yourself.\n")
	for _, l := range j.Channels.Listeners {
		c := ibmmq.Channel{Name: l.Name, Port: l.Port, Web: l.WS, User: j.Channels.MCAUser, Auth: l.Auth}
		if l.TLS {
			c.KeyRepository, c.Passphrase = j.Server.KeyStore, string(password)
		}
		if problems := c.Check(); len(problems) > 0 {
			return nil, fmt.Errorf("%w: channel %s: %s", ErrSetting, l.Name, strings.Join(problems, "; "))
		}
		text.WriteString(c.Define(release))
	}
	return []byte(text.String()), nil
}
