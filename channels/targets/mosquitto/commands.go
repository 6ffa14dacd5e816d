package mosquitto

import (
	"fmt"

	"github.com/mqttpki/mqttpki/channels/targets"
)

// readme says what to do with the files.
func readme(s targets.Settings) string {
	dir := blockOf(s).ConfigDir
	return fmt.Sprintf(`Install the files under %s with the install lines that mqttpki printed; they give each its owner and mode.
%s/mosquitto.conf must hold "include_dir %s/conf.d" (Debian's does) and no listener of its own.
Load: systemctl restart mosquitto. After new certificates, CRLs, users or access lists: systemctl reload mosquitto.
`, dir, dir, dir)
}

// Commands says how to check, load, reload and stop the configuration.
func (Target) Commands(m targets.Model) []targets.Command {
	s, _ := settle(m)
	check := targets.Command{Purpose: "check", Text: "mosquitto 2.0 cannot check a configuration without starting; it ends with exit 3 and names the line of an unknown word"}
	if newer, _ := targets.ParseVersion("2.1"); !s.Release.Before(newer) {
		check.Argv = []string{"mosquitto", "--test-config", "-c", dest(s, confPath)}
		check.Text = "check the configuration"
	}
	systemctl := func(purpose, text string) targets.Command {
		return targets.Command{Purpose: purpose, Text: text, Argv: []string{"systemctl", purpose, "mosquitto"}}
	}
	return []targets.Command{
		check,
		systemctl("restart", "load the configuration, and new server certificates of WebSockets"),
		systemctl("reload", "read new certificates, CRLs, access lists and passwords"),
		systemctl("stop", "stop the broker"),
	}
}
