package broker

import (
	"strings"

	"github.com/mqttpki/mqttpki/channels"
)

// maxLevels bounds the depth of topics and filters: the server's search takes the square of it. mosquitto's is the same.
const maxLevels = 200

// deniedTopic is what a topic is replaced by that must not get anywhere: no rule can allow it, and the server answers
// as it does for any other denied topic.
const deniedTopic = "$denied"

// mayPublish reports whether user may publish to topic. What begins with $ belongs to the broker.
func mayPublish(s *snapshot, user, topic string) bool {
	return plausible(topic) && topic[0] != '$' && s.access.Allowed(user, channels.Publish, topic)
}

// maySubscribe reports whether user may receive everything that filter matches.
func maySubscribe(s *snapshot, user, filter string) bool {
	return plausible(filter) && s.access.Allowed(user, channels.Subscribe, filter)
}

// plausible reports whether a topic or filter is worth looking at.
func plausible(topic string) bool {
	return topic != "" && strings.Count(topic, "/") < maxLevels
}
