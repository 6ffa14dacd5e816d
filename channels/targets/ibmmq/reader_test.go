package ibmmq

import (
	"fmt"
	"strconv"
	"strings"
)

// mqscCommand is one command as a queue manager would read it: words, and keywords with their values.
type mqscCommand struct {
	verb     string
	keywords map[string]string // "" for one without a value
	order    []string
}

// legal is every keyword of CHLTYPE(MQTT), and no other.
var legal = []string{
	"CHANNEL", "CHLTYPE", "TRPTYPE", "BACKLOG", "JAASCFG", "LOCLADDR", "MCAUSER", "PORT", "PROTOCOL", "SSLCAUTH", "SSLCIPH",
	"SSLKEYP", "SSLKEYR", "USECLTID", "REPLACE",
}

// readMQSC reads MQSC as IBM documents it: * in the first column begins a comment, a + or - at the end of a line
// continues the command (+ at the first character of the next line that is no blank, - at its first), text in quotes
// keeps its case and doubles its quotes, everything else is folded to upper case.
func readMQSC(text string) ([]mqscCommand, error) {
	var commands []mqscCommand
	pending, mark := "", ""
	for number, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if len(line) > 72 {
			return nil, fmt.Errorf("line %d has %d columns", number+1, len(line))
		}
		if strings.HasPrefix(line, "*") {
			if mark != "" {
				return nil, fmt.Errorf("line %d: a comment within a command", number+1)
			}
			continue
		}
		if mark == "+" {
			line = strings.TrimLeft(line, " ")
		}
		if mark = line[max(0, len(line)-1):]; mark == "+" || mark == "-" {
			pending += line[:len(line)-1]
			continue
		}
		mark, pending = "", pending+line
		command, err := readCommand(pending)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number+1, err)
		}
		commands, pending = append(commands, command), ""
	}
	if mark != "" {
		return nil, fmt.Errorf("the last command is not complete")
	}
	return commands, nil
}

// readCommand reads VERB KEYWORD(value) KEYWORD ...
func readCommand(text string) (mqscCommand, error) {
	c := mqscCommand{keywords: map[string]string{}}
	for {
		text = strings.TrimLeft(text, " ")
		if text == "" {
			return c, nil
		}
		end := strings.IndexAny(text, " (")
		if end < 0 {
			end = len(text)
		}
		word := strings.ToUpper(text[:end])
		text = text[end:]
		value := ""
		if strings.HasPrefix(text, "(") {
			var err error
			if value, text, err = readValue(text[1:]); err != nil {
				return c, fmt.Errorf("%s: %w", word, err)
			}
		}
		if c.verb == "" {
			c.verb = word
			continue
		}
		if _, twice := c.keywords[word]; twice {
			return c, fmt.Errorf("%s stands there twice", word)
		}
		c.keywords[word] = value
		c.order = append(c.order, word)
	}
}

// readValue reads a value up to its closing bracket.
func readValue(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, "'") {
		value, rest, ok := strings.Cut(text, ")")
		if !ok {
			return "", "", fmt.Errorf("no closing bracket")
		}
		return strings.ToUpper(value), rest, nil
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		if text[i] != '\'' {
			b.WriteByte(text[i])
			continue
		}
		if i+1 < len(text) && text[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		if i+1 >= len(text) || text[i+1] != ')' {
			return "", "", fmt.Errorf("no bracket behind the quote")
		}
		return b.String(), text[i+2:], nil
	}
	return "", "", fmt.Errorf("no closing quote")
}

// channel turns a DEFINE or ALTER back into the channel.
func (c mqscCommand) channel() Channel {
	number := func(keyword string) int { n, _ := strconv.Atoi(c.keywords[keyword]); return n }
	return Channel{
		Name: c.keywords["CHANNEL"], Port: number("PORT"), Web: c.keywords["PROTOCOL"] == "HTTP", Auth: c.keywords["SSLCAUTH"],
		KeyRepository: c.keywords["SSLKEYR"], Passphrase: c.keywords["SSLKEYP"], Cipher: c.keywords["SSLCIPH"],
		User: c.keywords["MCAUSER"], JAAS: c.keywords["JAASCFG"], Backlog: number("BACKLOG"), LocalAddress: c.keywords["LOCLADDR"],
	}
}
