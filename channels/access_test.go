package channels

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAllowed(t *testing.T) {
	both := []Action{Publish, Subscribe}
	access := NewAccess([]Rule{
		{Who: "*", Allow: both, Topics: []string{"devices/{user}/#", "{user}/inbox"}},
		{Who: "*", Allow: []Action{Subscribe}, Topics: []string{"news/+/today"}},
		{Who: "ops-*", Allow: both, Topics: []string{"#"}},
		{Who: "root", Allow: []Action{Subscribe}, Topics: []string{"$SYS/#", "+/status"}},
	})
	for _, tc := range []struct {
		user   string
		action Action
		topic  string
		want   bool
	}{
		{"dev1", Publish, "devices/dev1/t", true},
		{"dev1", Publish, "devices/dev1", true}, // # also matches its parent level
		{"dev1", Publish, "devices/dev2/t", false},
		{"dev1", Publish, "devices/dev10", false},
		{"dev1", Publish, "devices/dev1/#", false}, // not a topic name
		{"dev1", Publish, "news/a/today", false},
		{"dev1", Publish, "", false},
		{"dev1", "read", "devices/dev1/t", false},
		{"dev1", Subscribe, "devices/dev1/#", true},
		{"dev1", Subscribe, "devices/dev1/+/x", true},
		{"dev1", Subscribe, "devices/+/t", false},
		{"dev1", Subscribe, "devices/#", false},
		{"dev1", Subscribe, "#", false},
		{"dev1", Subscribe, "+/dev1/t", false},
		{"dev1", Subscribe, "news/+/today", true},
		{"dev1", Subscribe, "news/sport/today", true},
		{"dev1", Subscribe, "news/#", false},
		{"dev1", Subscribe, "news/a/b/today", false},
		{"dev1", Subscribe, "dev1/inbox", true},
		{"dev1", Subscribe, "dev1/inbox/x", false},
		{"dev1", Subscribe, "$share/g/devices/dev1/#", true},
		{"dev1", Subscribe, "$share/g/devices/dev2/#", false},
		{"dev1", Subscribe, "$share/g", false},
		{"dev1", Subscribe, "$share//devices/dev1/#", false},
		{"dev1", Subscribe, "$share/+/devices/dev1/#", false},
		{"dev1", Subscribe, "devices/dev1/a#", false},
		{"dev1", Subscribe, "devices/dev1/\x00", false},
		{"dev1", Subscribe, "devices/dev1/\xff", false},
		{"dev1", Publish, "devices/dev1/" + strings.Repeat("x", 65536), false},
		{"ops-1", Publish, "any/thing", true},
		{"ops-1", Subscribe, "#", true},
		{"ops-1", Subscribe, "+/a/#", true},
		{"ops-1", Subscribe, "$share/g/#", true},
		{"ops-1", Subscribe, "$SYS/#", false},
		{"ops-1", Publish, "$SYS/broker", false},
		{"ops-1", Publish, "$share/g/x", false},
		{"root", Subscribe, "$SYS/broker/uptime", true},
		{"root", Subscribe, "$SYS/status", true}, // by its own rule, not by +/status
		{"root", Publish, "$SYS/x", false},
		{"root", Subscribe, "+/status", true},
		{"root", Subscribe, "$x/status", false},
		{"", Subscribe, "news/a/today", true},
		{"", Publish, "devices//x", false},
		{"+", Subscribe, "devices/+/x", false}, // a name that is a wildcard expands to nothing
		{"+", Subscribe, "devices/+/#", false},
		{"#", Subscribe, "devices/#", false},
		{"a/b", Publish, "devices/a/b", false},
		{"$SYS", Publish, "$SYS/inbox", false},
		{"a\nb", Publish, "devices/a\nb/x", false},
	} {
		assert.Equal(t, tc.want, access.Allowed(tc.user, tc.action, tc.topic), "%q %s %q", tc.user, tc.action, tc.topic)
	}
}

func TestMatchUser(t *testing.T) {
	for _, tc := range []struct {
		pattern, user string
		want          bool
	}{
		{"*", "", true}, {"*", "x", true}, {"a", "a", true}, {"a", "b", false}, {"a", "A", false}, {"ops-*", "ops-", true},
		{"ops-*", "ops", false}, {"*-ops", "a-ops", true}, {"a*a", "a", false}, {"a*a", "aa", true}, {"a*b*c", "axxbyyc", true},
		{"a*b*c", "ac", false}, {"a**c", "ac", true}, {"*a*", "bab", true}, {"*ab*ba*", "aba", false}, {"", "", true}, {"", "a", false},
	} {
		assert.Equal(t, tc.want, MatchUser(tc.pattern, tc.user), "%q %q", tc.pattern, tc.user)
	}
}

// matches is MQTT's own definition of a filter matching a topic name, written apart from what it judges.
func matches(filter, topic []string) bool {
	if len(filter) > 0 && filter[0] == "#" {
		return true
	}
	if len(filter) == 0 || len(topic) == 0 {
		return len(filter) == len(topic)
	}
	return (filter[0] == "+" || filter[0] == topic[0]) && matches(filter[1:], topic[1:])
}

// FuzzTopicMatch promises that an allowed subscription can deliver no topic that its user may not publish to under
// the same rule, and that nothing beginning with $ is reached by a leading wildcard.
func FuzzTopicMatch(f *testing.F) {
	f.Add("devices/{user}/#", "dev1", "devices/dev1/+", "devices/dev1/t")
	f.Add("#", "a", "$SYS/#", "$SYS/x")
	f.Add("+/+", "+", "+/+", "a/b")
	f.Add("{user}/#", "$SYS", "$SYS/#", "$SYS/x")
	f.Add("a/#", "u", "$share/g/a/#", "a")
	f.Fuzz(func(t *testing.T, rule, user, filter, topic string) {
		access := NewAccess([]Rule{{Who: "*", Allow: []Action{Publish, Subscribe}, Topics: []string{rule}}})
		if !access.Allowed(user, Subscribe, filter) {
			return
		}
		if checkFilter(rule) != "" {
			t.Fatalf("the malformed rule %q allows %q", rule, filter)
		}
		plain := unshare(filter)
		names := strings.ContainsAny(topic, "+#") || checkSyntax(topic) != ""
		reserved := strings.HasPrefix(topic, "$") && strings.IndexAny(plain, "+#") == 0
		if names || reserved || !matches(strings.Split(plain, "/"), strings.Split(topic, "/")) {
			return
		}
		if !access.Allowed(user, Publish, topic) {
			t.Errorf("rule %q lets %q subscribe to %q, which delivers %q", rule, user, filter, topic)
		}
		if strings.HasPrefix(topic, "$") && !strings.HasPrefix(rule, "$") {
			t.Errorf("rule %q reaches %q", rule, topic)
		}
	})
}
