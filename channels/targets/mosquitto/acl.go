package mosquitto

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
)

// ruleLoss says why a rule cannot be written into an access list, "" when it can.
func ruleLoss(s targets.Settings, r *channels.Rule) string {
	named := uses(s, func(l channels.Listener) bool { return identityOf(&l) != channels.UserNone })
	if named && strings.Contains(r.Who, "*") && r.Who != "*" {
		return fmt.Sprintf("an access list knows one user or all of them, not the pattern %q", r.Who)
	}
	if r.Who != strings.TrimSpace(r.Who) {
		return fmt.Sprintf("the user %q begins or ends with a blank", r.Who)
	}
	for _, topic := range r.Topics {
		switch {
		case strings.Contains(topic, "%u") || strings.Contains(topic, "%c"):
			return fmt.Sprintf("%%u and %%c in %q would be replaced by the user and the client id", topic)
		case topic != strings.TrimSpace(topic):
			return fmt.Sprintf("the topic %q begins or ends with a blank", topic)
		}
	}
	return ""
}

// right returns the access list's word for what a rule allows.
func right(r *channels.Rule) string {
	switch {
	case !slices.Contains(r.Allow, channels.Subscribe):
		return "write"
	case !slices.Contains(r.Allow, channels.Publish):
		return "read"
	}
	return "readwrite"
}

// namedACL returns the access list of listeners whose users have names: first what holds for everybody, as patterns,
// then each user's own. Rules that were lost are not in it: what it does not allow is denied.
func namedACL(s targets.Settings) []byte {
	var b strings.Builder
	b.WriteString("# who may publish (write) and subscribe (read); all else is denied\n")
	var users []string
	for i := range s.Access {
		r := &s.Access[i]
		if ruleLoss(s, r) != "" {
			continue
		}
		if r.Who != "*" {
			if !slices.Contains(users, r.Who) {
				users = append(users, r.Who)
			}
			continue
		}
		for _, topic := range r.Topics {
			fmt.Fprintf(&b, "pattern %s %s\n", right(r), strings.ReplaceAll(topic, "{user}", "%u"))
		}
	}
	for _, user := range users {
		fmt.Fprintf(&b, "user %s\n", user)
		for i := range s.Access {
			r := &s.Access[i]
			if r.Who != user || ruleLoss(s, r) != "" {
				continue
			}
			for _, topic := range expand(r.Topics, user) {
				fmt.Fprintf(&b, "topic %s %s\n", right(r), topic)
			}
		}
	}
	return []byte(b.String())
}

// namelessACL returns the access list of a listener whose users have no names, or all the same one. Patterns hold for
// every client there, whatever it calls itself; topic lines would hold for those alone that say no name.
func namelessACL(s targets.Settings, l *channels.Listener) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# what everybody may publish (write) and subscribe (read) on listener %s; all else is denied\n", l.Name)
	for i := range s.Access {
		r := &s.Access[i]
		if ruleLoss(s, r) != "" || !channels.MatchUser(r.Who, l.Identity.FixedUser) {
			continue
		}
		for _, topic := range expand(r.Topics, l.Identity.FixedUser) {
			fmt.Fprintf(&b, "pattern %s %s\n", right(r), topic)
		}
	}
	return []byte(b.String())
}

// expand puts a user's name into topics, and leaves out those in which it cannot stand.
func expand(topics []string, user string) []string {
	var out []string
	for _, topic := range topics {
		if strings.Contains(topic, "{user}") && !channels.Expandable(user) {
			continue
		}
		out = append(out, strings.ReplaceAll(topic, "{user}", user))
	}
	return out
}
