package broker

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryListenerLetsTheRightClientIn(t *testing.T) {
	t.Parallel()
	r := newRig(t).start()
	dev := r.ca.client("dev1")
	for _, tc := range []struct {
		listener string
		holder   holder
		user     string
		options  connectOptions
	}{
		{plain, nobody, "alice", connectOptions{user: "alice", password: aPassword}},
		{plainWS, nobody, "alice", connectOptions{user: "alice", password: aPassword}},
		{optional, nobody, "alice", connectOptions{user: "alice", password: aPassword}},
		{optional, dev, "alice", connectOptions{user: "alice", password: aPassword}},
		{required, dev, "dev1", connectOptions{}},
		{secureWS, dev, "dev1", connectOptions{}},
		{optionWSS, nobody, "bob", connectOptions{user: "bob", password: aPassword}},
		{optionWSS, dev, "bob", connectOptions{user: "bob", password: aPassword}},
	} {
		for _, version := range both {
			tc.options.id = "id-" + tc.user
			w := r.client(tc.listener, tc.holder, version, tc.options)
			own := "devices/" + tc.user + "/up"
			require.Equal(t, []byte{1}, w.subscribe(own), "%s", tc.listener)
			require.Zero(t, w.published(own, "hello", false))
			topic, payload := w.message()
			assert.Equal(t, own, topic)
			assert.Equal(t, "hello", payload)
			w.leave()
		}
	}
}
