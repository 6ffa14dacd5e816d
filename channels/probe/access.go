package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mqttpki/mqttpki/channels"
)

// linger is how long a message that must not come is waited for, after one that must come has come: brokers acknowledge
// before they deliver, and carry what two clients say in no order.
const linger = 150 * time.Millisecond

// ownTopic is a topic that g may publish to and subscribe to, by the rules that name it.
func (v *visit) ownTopic(g guest) (string, bool) {
	for _, rule := range v.d.Access {
		if !slices.Contains(rule.Allow, channels.Publish) && !slices.Contains(rule.Allow, channels.Subscribe) {
			continue
		}
		for _, filter := range rule.Topics {
			topic := concrete(filter, g.name, v.tag)
			if topic != "" && v.allowed(g, channels.Publish, topic) && v.allowed(g, channels.Subscribe, topic) {
				return topic, true
			}
		}
	}
	return "", false
}

// concrete is one topic inside a rule's filter, "" where there is none for the user.
func concrete(filter, user, leaf string) string {
	if user == "" && strings.Contains(filter, "{user}") {
		return ""
	}
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		switch level {
		case "{user}":
			levels[i] = user
		case "+", "#":
			levels[i] = leaf
		}
	}
	return strings.Join(levels, "/")
}

// allowed is what the model says.
func (v *visit) allowed(g guest, action channels.Action, topic string) bool {
	return v.access.Allowed(g.name, action, topic)
}

// accessCases are what one right client must not do to another.
func (v *visit) accessCases() []attempt {
	names := []string{"another's topic: publish", "another's topic: subscribe", "another's topic: will"}
	var list []attempt
	own, haveOwn := v.ownTopic(v.right)
	theirs, haveTheirs := v.ownTopic(v.other)
	for i, run := range []func(ctx context.Context, own, theirs string) (string, string, bool){
		v.foreignPublish, v.foreignSubscribe, v.foreignWill,
	} {
		a := attempt{name: names[i], expected: expectRefused}
		action := channels.Publish
		if i == 1 {
			action = channels.Subscribe
		}
		switch {
		case v.right.why != "" || v.other.why != "":
			a.leftOut = v.right.why
			if a.leftOut == "" {
				a.leftOut = "it needs a second client: " + v.other.why
			}
		case v.right.name == v.other.name:
			continue // one user for all: there is no other
		case !haveOwn || !haveTheirs:
			a.leftOut = "the access rules give the probe's clients no topic of their own"
		case v.allowed(v.right, action, theirs):
			a.leftOut = "the access rules allow it: " + theirs
		case v.accepted("access") != "":
			a.leftOut = v.accepted("access")
		default:
			a.run = func(ctx context.Context) (string, string, bool) { return run(ctx, own, theirs) }
		}
		list = append(list, a)
	}
	return append(list, v.clientIDCase())
}

// errOther is the other client's failure to do what it may: nothing that was refused to the first one.
type errOther struct{ error }

func (e *errOther) Unwrap() error { return e.error }

// pair connects both clients with MQTT 5, the other one subscribed to its own topic.
func (v *visit) pair(ctx context.Context, w *will, theirs string) (right, other client, err error) {
	other, err = v.login(ctx, v.l, v.knockOf(v.other), MQTT5, v.other.login())
	if err != nil {
		return nil, nil, &errOther{fmt.Errorf("connecting the other client: %w", err)}
	}
	if err := other.subscribe(ctx, theirs); err != nil {
		other.disconnect()
		return nil, nil, &errOther{fmt.Errorf("subscribing the other client to %s: %w", theirs, err)}
	}
	who := v.right.login()
	who.will = w
	right, err = v.login(ctx, v.l, v.knockOf(v.right), MQTT5, who)
	if err != nil {
		other.disconnect()
		return nil, nil, err
	}
	return right, other, nil
}

// foreignPublish: what the first client publishes on the other's topic must not arrive there. The other's own message,
// published afterwards, must: it shows that the path works and that nothing was merely late.
func (v *visit) foreignPublish(ctx context.Context, _, theirs string) (string, string, bool) {
	right, other, err := v.pair(ctx, nil, theirs)
	if err != nil {
		return words(err), causeOf(err), false
	}
	defer other.disconnect()
	defer right.disconnect()
	intruder := v.tag + " published"
	denied := right.publish(ctx, theirs, intruder)
	if arrived, err := v.intruded(ctx, other, other, theirs, intruder); err != nil {
		return words(err), causeOf(err), false
	} else if arrived {
		return "the message arrived on " + theirs, "", false
	}
	return deniedWords(denied, "the message did not arrive"), CauseDenied, true
}

// foreignSubscribe: the first client must not hear what the other says to itself.
func (v *visit) foreignSubscribe(ctx context.Context, own, theirs string) (string, string, bool) {
	right, other, err := v.pair(ctx, nil, theirs)
	if err != nil {
		return words(err), causeOf(err), false
	}
	defer other.disconnect()
	defer right.disconnect()
	if denied := right.subscribe(ctx, theirs); denied != nil {
		cause := causeOf(denied)
		return deniedWords(denied, ""), cause, plausible(cause, CauseDenied)
	}
	intruder := v.tag + " overheard"
	if err := other.publish(ctx, theirs, intruder); err != nil {
		return words(err), causeOf(err), false
	}
	if err := right.subscribe(ctx, own); err != nil {
		return words(err), causeOf(err), false
	}
	if arrived, err := v.intruded(ctx, right, right, own, intruder); err != nil {
		return words(err), causeOf(err), false
	} else if arrived {
		return "it hears what is said on " + theirs, "", false
	}
	return "subscribed, but nothing is delivered", CauseDenied, true
}

// foreignWill: the will that the first client leaves on the other's topic must not be sent. A broker may refuse the
// connection for it, or take the connection and not send it.
func (v *visit) foreignWill(ctx context.Context, _, theirs string) (string, string, bool) {
	intruder := v.tag + " last will"
	right, other, err := v.pair(ctx, &will{theirs, intruder}, theirs)
	if err != nil {
		_, others := errors.AsType[*errOther](err)
		if cause := causeOf(err); !others && (cause == CauseLogin || cause == CauseClosed) {
			return words(err), CauseDenied, true
		}
		return words(err), causeOf(err), false
	}
	defer other.disconnect()
	right.vanish()
	if arrived, err := v.intruded(ctx, other, other, theirs, intruder); err != nil {
		return words(err), causeOf(err), false
	} else if arrived {
		return "the will was sent on " + theirs, "", false
	}
	return "the will was not sent", CauseDenied, true
}

// intruded has speaker publish on a topic that hearer subscribes to, and reports whether the intruder's message came
// to hearer before that one, or soon after it. Payloads bear the listener's tag: users with passwords are the same at every listener, and
// one broker carries what is said at one of them to the others.
func (v *visit) intruded(ctx context.Context, hearer, speaker client, topic, intruder string) (bool, error) {
	last := v.tag + " last"
	if err := speaker.publish(ctx, topic, last); err != nil {
		return false, fmt.Errorf("publishing to %s afterwards: %w", topic, err)
	}
	var late <-chan time.Time
	for {
		select {
		case m := <-hearer.received():
			if m.payload == intruder {
				return true, nil
			}
			if m.topic == topic && m.payload == last {
				late = time.After(linger)
			}
		case <-late:
			return false, nil
		case <-hearer.lost():
			return false, fmt.Errorf("waiting for the message on %s: %w", topic, errLost)
		case <-ctx.Done():
			return false, fmt.Errorf("waiting for the message on %s: %w", topic, ctx.Err())
		}
	}
}

// deniedWords says how a refusal was put, or otherwise what was seen of it.
func deniedWords(err error, otherwise string) string {
	if err == nil {
		return otherwise
	}
	return words(err)
}

// clientIDCase: an id that belongs to the other client is not for the first.
func (v *visit) clientIDCase() attempt {
	rule := v.l.Identity.ClientID
	if rule == channels.ClientIDAny || v.right.name == v.other.name && v.right.why == "" && v.other.why == "" {
		return attempt{}
	}
	a := attempt{name: "another's client id", expected: expectRefused}
	switch {
	case v.right.why != "":
		a.leftOut = v.right.why
		return a
	case v.other.why != "":
		a.leftOut = "it needs a second client: " + v.other.why
		return a
	case v.accepted("client_id") != "":
		a.leftOut = v.accepted("client_id")
		return a
	}
	a.run = func(ctx context.Context) (string, string, bool) {
		other, err := v.login(ctx, v.l, v.knockOf(v.other), MQTT5, v.other.login())
		if err != nil {
			return words(err), causeOf(err), false
		}
		defer other.disconnect()
		who := v.right.login()
		who.clientID = v.other.id
		thief, err := v.login(ctx, v.l, v.knockOf(v.right), MQTT5, who)
		got, cause := "let in under the other's id", ""
		if err == nil {
			defer thief.disconnect()
			if rule != channels.ClientIDEqual {
				return got, cause, false
			}
			got = "let in under an id of its own" // Mosquitto replaces it; then the other notices nothing
		} else {
			got, cause = words(err), causeOf(err)
			if !plausible(cause, CauseLogin) {
				return got, cause, false
			}
		}
		if disturbed := v.disturbed(ctx, other); disturbed != nil {
			return "the other was disturbed: " + words(disturbed), causeOf(disturbed), false
		}
		return got, cause, true
	}
	return a
}

// disturbed says how the other client lost its connection to somebody who came under its id, nil where it did not.
func (v *visit) disturbed(ctx context.Context, other client) error {
	if topic, ok := v.ownTopic(v.other); ok {
		if err := v.roundTrip(ctx, other, topic); err != nil {
			return err
		}
	}
	select {
	case <-other.lost():
		return errLost
	case <-time.After(linger):
		return nil
	}
}
