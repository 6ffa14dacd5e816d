package ibmmq

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
)

// grant is the authority of one principal on one subtree of topics.
type grant struct {
	principal string
	topic     string // topic string of the subtree's root; "" is the root of all
	publish   bool
	subscribe bool
}

// principals returns the principals that the channels run as, and whether others can come in by password.
func principals(s targets.Settings) (names []string, others bool) {
	for i := range s.Listeners {
		user := userOf(s, &s.Listeners[i])
		if user == "" {
			others = true
		} else if !slices.Contains(names, user) {
			names = append(names, user)
		}
	}
	slices.Sort(names)
	return names, others
}

// ruleGrants returns the authorities that express a rule, or why there are none that do: authority is given to named
// principals on whole subtrees of topics.
func ruleGrants(s targets.Settings, r *channels.Rule) ([]grant, string) {
	users, why := ruleUsers(s, r)
	if why != "" {
		return nil, why
	}
	var grants []grant
	for _, topic := range r.Topics {
		for _, user := range users {
			root, why := subtree(topic, user)
			if why != "" {
				return nil, why
			}
			if strings.Contains(topic, "{user}") && !named(s, user) {
				return nil, fmt.Sprintf("%q speaks of each user's own topics, and everybody is the one principal %q", topic, user)
			}
			grants = append(grants, grant{user, root, slices.Contains(r.Allow, channels.Publish), slices.Contains(r.Allow, channels.Subscribe)})
		}
	}
	return grants, ""
}

// ruleUsers returns the principals that a rule speaks of.
func ruleUsers(s targets.Settings, r *channels.Rule) ([]string, string) {
	names, others := principals(s)
	if !strings.Contains(r.Who, "*") {
		if !others && !slices.Contains(names, r.Who) {
			return nil, fmt.Sprintf("no channel lets anybody be the user %q", r.Who)
		}
		return []string{r.Who}, checkUser(r.Who)
	}
	if others {
		return nil, fmt.Sprintf("authority is given to named users, and %q is a pattern over users that a login module knows", r.Who)
	}
	var matched []string
	for _, name := range names {
		if channels.MatchUser(r.Who, name) {
			matched = append(matched, name)
		}
	}
	if len(matched) == 0 {
		return nil, fmt.Sprintf("no channel lets anybody be a user %q", r.Who)
	}
	if r.Who != "*" && slices.ContainsFunc(s.Listeners, func(l channels.Listener) bool { return l.Identity.User.FromCertificate() }) {
		return nil, fmt.Sprintf("%q is a pattern over the users of certificates, whom nothing tells apart here", r.Who)
	}
	return matched, ""
}

// named reports whether the model itself gives this name to a user: a fixed one, or one with a password.
func named(s targets.Settings, user string) bool {
	return slices.ContainsFunc(s.Listeners, func(l channels.Listener) bool {
		return l.Identity.FixedUser == user || l.Identity.User == channels.UserPassword && userOf(s, &l) == ""
	})
}

// subtree returns the topic string of the subtree that a filter names.
func subtree(filter, user string) (string, string) {
	if filter == "#" {
		return "", ""
	}
	root, whole := strings.CutSuffix(filter, "/#")
	switch {
	case !whole || strings.ContainsAny(root, "+#"):
		return "", fmt.Sprintf("authority on a topic reaches all below it: only # and A/B/# can be said, not %q", filter)
	case strings.HasPrefix(root, "$"):
		return "", fmt.Sprintf("%q: topics that begin with $ are not under authority", filter)
	}
	for level := range strings.SplitSeq(root, "/") {
		if level == "{user}" && !channels.Expandable(user) {
			return "", fmt.Sprintf("%q cannot stand for {user} in %q", user, filter)
		}
	}
	root = strings.ReplaceAll(root, "{user}", user)
	if strings.ContainsAny(root, "\"'`$\\") || len(root) > 1024 {
		return "", fmt.Sprintf("%q is too long, or holds characters that cannot be quoted", filter)
	}
	return root, ""
}

// grantsOf returns all authorities, each principal and subtree once, in a fixed order.
func grantsOf(s targets.Settings) []grant {
	var all []grant
	for i := range s.Access {
		grants, _ := ruleGrants(s, &s.Access[i])
		for _, g := range grants {
			at := slices.IndexFunc(all, func(o grant) bool { return o.principal == g.principal && o.topic == g.topic })
			if at < 0 {
				all = append(all, g)
				continue
			}
			all[at].publish = all[at].publish || g.publish
			all[at].subscribe = all[at].subscribe || g.subscribe
		}
	}
	slices.SortFunc(all, func(a, b grant) int {
		if c := strings.Compare(a.topic, b.topic); c != 0 {
			return c
		}
		return strings.Compare(a.principal, b.principal)
	})
	return all
}

// topicObjects names a topic object for each subtree but the root, which SYSTEM.BASE.TOPIC is.
func topicObjects(grants []grant) map[string]string {
	objects := map[string]string{"": "SYSTEM.BASE.TOPIC"}
	for _, g := range grants {
		if _, ok := objects[g.topic]; !ok {
			objects[g.topic] = fmt.Sprintf("MQTTPKI.%d", len(objects))
		}
	}
	return objects
}
