package ibmmq

import (
	"fmt"
	"strings"

	"github.com/mqttpki/mqttpki/channels/targets"
)

// lineColumns is the longest line that every editor, terminal emulator and runmqsc leaves alone.
const lineColumns = 72

// command is one MQSC command: its words are put on lines as they fit.
type command struct {
	words []string
}

// mqsc begins a command.
func mqsc(words ...string) *command { return &command{words} }

// keyword adds KEYWORD(value) with the value as it is.
func (c *command) keyword(name, value string) *command {
	c.words = append(c.words, name+"("+value+")")
	return c
}

// quoted adds KEYWORD('value'): what stands without quotes is folded to upper case.
func (c *command) quoted(name, value string) *command {
	return c.keyword(name, "'"+strings.ReplaceAll(value, "'", "''")+"'")
}

// number adds KEYWORD(n).
func (c *command) number(name string, n int) *command { return c.keyword(name, fmt.Sprint(n)) }

// String returns the command on lines of at most 72 columns. All but the last end in +, which continues a command at the
// first character of the next line that is no blank, or in -, which continues it at the very first.
func (c *command) String() string {
	const more = " +\n"
	var b strings.Builder
	column := 0
	for i, word := range c.words {
		room := lineColumns - len(" +")
		switch {
		case i == 0:
		case column+1+len(word) <= room:
			b.WriteByte(' ')
			column++
		default:
			b.WriteString(more + "  ")
			column = 2
		}
		for column+len(word) > room {
			cut, mark := room-column, "+"
			if word[cut] == ' ' {
				mark = "-" // + would skip the blank
			}
			b.WriteString(word[:cut] + mark + "\n")
			word, column = word[cut:], 0
		}
		b.WriteString(word)
		column += len(word)
	}
	b.WriteByte('\n')
	return b.String()
}

// comment returns a comment line; it must not share a line with a command.
func comment(format string, args ...any) string {
	return "* " + fmt.Sprintf(format, args...) + "\n"
}

// Channel is one MQTT channel as IBM MQ knows it. Empty values are the product's defaults.
type Channel struct {
	Name          string
	Port          int
	Web           bool   // PROTOCOL(HTTP): web pages and WebSockets; else MQTT
	Auth          string // SSLCAUTH: NEVER, OPTIONAL or REQUIRED; "" without TLS
	KeyRepository string // SSLKEYR: the key store's path; "" without TLS
	Passphrase    string // SSLKEYP: its password
	Cipher        string // SSLCIPH: one JVM cipher suite, "" for every enabled one
	User          string // MCAUSER
	JAAS          string // JAASCFG: a stanza of jaas.config
	Backlog       int    // 0 is 4096
	LocalAddress  string // LOCLADDR: "" is every address
}

// defaultBacklog is the product's own.
const defaultBacklog = 4096

// attributes adds everything but the name to a command. All of it is written, defaults too: ALTER leaves alone what
// it is not told, and DEFINE takes defaults from SYSTEM.DEF.CHANNEL, which a site may have changed.
func (c Channel) attributes(cmd *command, release targets.Version) *command {
	cmd.number("PORT", c.Port)
	if protocol := c.protocol(release); protocol != "" {
		cmd.keyword("PROTOCOL", protocol)
	}
	if c.KeyRepository != "" {
		cmd.keyword("SSLCAUTH", c.Auth).quoted("SSLKEYR", c.KeyRepository).quoted("SSLKEYP", c.Passphrase)
		if c.Cipher != "" {
			cmd.quoted("SSLCIPH", c.Cipher)
		}
	}
	if c.User != "" {
		cmd.quoted("MCAUSER", c.User)
	}
	cmd.keyword("USECLTID", "NO")
	if c.JAAS != "" {
		cmd.quoted("JAASCFG", c.JAAS)
	}
	backlog := c.Backlog
	if backlog == 0 {
		backlog = defaultBacklog
	}
	cmd.number("BACKLOG", backlog)
	if c.LocalAddress != "" {
		cmd.quoted("LOCLADDR", c.LocalAddress)
	}
	return cmd
}

// protocol returns the value of PROTOCOL, which no release before 7.5.0.1 has.
func (c Channel) protocol(release targets.Version) string {
	switch {
	case release.Before(release7501):
		return ""
	case c.Web:
		return "HTTP"
	case release.Before(release80):
		return "MQTTV3"
	}
	return "MQTTV311,MQTTV3"
}

// named begins a command on the channel.
func (c Channel) named(verb string) *command {
	return mqsc(verb).quoted("CHANNEL", c.Name).keyword("CHLTYPE", "MQTT")
}

// Define returns the command that makes the channel, or makes it anew where it exists.
func (c Channel) Define(release targets.Version) string {
	cmd := c.attributes(c.named("DEFINE").keyword("TRPTYPE", "TCP"), release)
	cmd.words = append(cmd.words, "REPLACE")
	return cmd.String()
}

// Alter returns the command that changes the channel to be like this one.
func (c Channel) Alter(release targets.Version) string {
	return c.attributes(c.named("ALTER").keyword("TRPTYPE", "TCP"), release).String()
}

// Start returns the command that starts the channel.
func (c Channel) Start() string { return c.named("START").String() }

// Stop returns the command that stops the channel and ends its connections.
func (c Channel) Stop() string { return c.named("STOP").String() }

// Delete returns the command that removes the channel, which must have stopped.
func (c Channel) Delete() string { return c.named("DELETE").String() }

// Display returns the commands that show the channel's definition and its status.
func (c Channel) Display() string {
	show := func(object string) string {
		return mqsc("DISPLAY").quoted(object, c.Name).keyword("CHLTYPE", "MQTT").String()
	}
	return strings.ReplaceAll(show("CHANNEL")+show("CHSTATUS"), "(MQTT)\n", "(MQTT) ALL\n")
}
