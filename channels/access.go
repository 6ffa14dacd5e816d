package channels

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// userLevel is what stands for the user's name in a rule's topic filter, as one whole level.
const userLevel = "{user}"

// maxTopic is the length in bytes of an MQTT string (MQTT 5.0 section 1.5.4).
const maxTopic = 65535

// Access decides what users may publish and subscribe to. It is safe for concurrent use.
type Access struct {
	rules []compiledRule
}

// compiledRule is a rule with its filters split into levels.
type compiledRule struct {
	who     string
	publish bool
	listen  bool
	filters [][]string
}

// NewAccess compiles rules that [Deployment.Validate] found good. A filter that is none matches nothing.
func NewAccess(rules []Rule) *Access {
	a := &Access{}
	for _, r := range rules {
		c := compiledRule{who: r.Who, publish: slices.Contains(r.Allow, Publish), listen: slices.Contains(r.Allow, Subscribe)}
		for _, topic := range r.Topics {
			if checkFilter(topic) == "" {
				c.filters = append(c.filters, strings.Split(topic, "/"))
			}
		}
		a.rules = append(a.rules, c)
	}
	return a
}

// Allowed reports whether user may do action on topic: a topic name for [Publish], a topic filter for [Subscribe].
// A filter is allowed only when everything it can match lies inside one rule; a shared subscription
// ("$share/GROUP/FILTER") counts as its FILTER. The user "" is anonymous, whom only the pattern * matches.
//
// Topics that begin with $ are matched by rules that spell that level out, never by a leading + or #
// (MQTT 5.0 section 4.7.2). {user} stands for names that are one plain level, see [Expandable].
func (a *Access) Allowed(user string, action Action, topic string) bool {
	if action == Subscribe {
		topic = unshare(topic)
		if checkSyntax(topic) != "" {
			return false
		}
	} else if action != Publish || strings.ContainsAny(topic, "+#") || checkSyntax(topic) != "" {
		return false
	}
	levels := strings.Split(topic, "/")
	for _, r := range a.rules {
		if (action == Publish && !r.publish) || (action == Subscribe && !r.listen) || !MatchUser(r.who, user) {
			continue
		}
		for _, filter := range r.filters {
			if covers(filter, levels, user) {
				return true
			}
		}
	}
	return false
}

// covers reports whether everything that topic, a name or a filter, can match is matched by the rule's filter.
func covers(filter, topic []string, user string) bool {
	if strings.HasPrefix(topic[0], "$") && (filter[0] == "+" || filter[0] == "#") {
		return false
	}
	for i, level := range filter {
		if level == "#" {
			return true // it also matches the level above: "a/#" covers "a"
		}
		if i >= len(topic) {
			return false
		}
		switch {
		case level == "+":
			if topic[i] == "#" {
				return false
			}
		case level == userLevel:
			if topic[i] != user || !Expandable(user) {
				return false
			}
		case level != topic[i]:
			return false
		}
	}
	return len(filter) == len(topic)
}

// unshare returns the filter of a shared subscription, or topic itself when it is none. A malformed one gives "".
func unshare(topic string) string {
	rest, shared := strings.CutPrefix(topic, "$share/")
	if !shared {
		return topic
	}
	group, filter, ok := strings.Cut(rest, "/")
	if !ok || group == "" || strings.ContainsAny(group, "+#") {
		return ""
	}
	return filter
}

// Expandable reports whether a user name may stand in a topic as one level: one that held a / or a wildcard would
// change what the rule means, and one that begins with $ would reach what belongs to the broker.
func Expandable(user string) bool {
	return user != "" && user[0] != '$' && utf8.ValidString(user) && !strings.ContainsAny(user, "+#/") &&
		!strings.ContainsFunc(user, unicode.IsControl)
}

// MatchUser reports whether a user name fits a pattern, in which * stands for any characters, or none.
func MatchUser(pattern, user string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == user
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(user) < len(first)+len(last) || !strings.HasPrefix(user, first) || !strings.HasSuffix(user, last) {
		return false
	}
	user = user[len(first) : len(user)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(user, part)
		if i < 0 {
			return false
		}
		user = user[i+len(part):]
	}
	return true
}

// checkSyntax says what is wrong with a topic filter as MQTT 5.0 section 4.7 has it, "" when nothing is.
func checkSyntax(filter string) string {
	switch {
	case filter == "":
		return "a topic is not empty"
	case len(filter) > maxTopic:
		return "a topic has at most 65535 bytes"
	case !utf8.ValidString(filter) || strings.ContainsFunc(filter, unicode.IsControl):
		return "a topic is UTF-8 without control characters"
	}
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		if level != "+" && level != "#" && strings.ContainsAny(level, "+#") {
			return "+ and # stand alone between slashes"
		}
		if level == "#" && i != len(levels)-1 {
			return "# is the last level"
		}
	}
	return ""
}

// checkFilter says what is wrong with the topic filter of a rule, "" when nothing is.
func checkFilter(filter string) string {
	if why := checkSyntax(filter); why != "" {
		return why
	}
	for level := range strings.SplitSeq(filter, "/") {
		if level != userLevel && strings.ContainsAny(level, "{}") {
			return "{user} stands alone between slashes, and there is no other {...}"
		}
	}
	if first, _, _ := strings.Cut(filter, "/"); first == "$share" || first == "$queue" {
		return "a rule names the topics themselves; shared subscriptions to them are covered"
	}
	return ""
}
