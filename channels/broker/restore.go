package broker

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"go.etcd.io/bbolt"

	"github.com/mqttpki/mqttpki/keystore"
)

// restore opens the state and gives the server what the rules of today still allow of it: no session of a client that
// was revoked meanwhile, no subscription or queued message whose topic its user may not read any more.
func (b *Broker) restore() (err error) {
	b.store, err = openStore(b.opts.StateDir, b.opts.FlushInterval, b.log)
	if err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil { // bbolt, on a damaged page
			err = fmt.Errorf("reading the broker's state: the file is damaged (%v); move it away to begin anew: %w", r, keystore.ErrFormat)
		}
	}()
	r := restorer{b: b, s: b.snapshot(), now: b.opts.Now(), clients: map[string]*mqtt.Client{}}
	err = b.store.db.View(func(tx *bbolt.Tx) error {
		for _, step := range []struct {
			bucket string
			take   func(key string, value []byte) error
		}{
			{bucketClients, r.client}, {bucketSubscriptions, r.subscription}, {bucketQueue, r.queued}, {bucketRetained, r.retained},
		} {
			if err := tx.Bucket([]byte(step.bucket)).ForEach(func(k, v []byte) error { return step.take(string(k), v) }); err != nil {
				return fmt.Errorf("reading the broker's state: %s: %w", step.bucket, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range r.gone {
		b.store.dropClient(id)
	}
	b.log.Info("state restored", "sessions", len(r.clients), "retained", b.server.Topics.Retained.Len(), "removed", len(r.gone))
	return nil
}

// restorer goes through the store once, at the start. Removals wait in the store until the reading is over.
type restorer struct {
	b       *Broker
	s       *snapshot
	now     time.Time
	clients map[string]*mqtt.Client
	gone    []string // sessions that are not taken over
}

func (r *restorer) client(id string, value []byte) error {
	var record sessionRecord
	if err := json.Unmarshal(value, &record); err != nil {
		return fmt.Errorf("session %q: %w: %w", id, keystore.ErrFormat, err)
	}
	r.b.store.clients[id] = true
	left := record.Left
	if left.IsZero() { // the broker was killed
		left = r.now
	}
	var anchors []string
	for _, id := range record.Anchors {
		anchors = append(anchors, string(id))
	}
	expires := left.Add(time.Duration(record.Expiry) * time.Second)
	switch {
	case r.now.After(expires),
		len(record.Serial) > 0 && r.s.trust.isRevoked(string(record.Issuer), string(record.Serial)),
		!r.s.trust.trusts(anchors),
		record.Password && !r.s.users.Has(record.User):
		r.gone = append(r.gone, id)
		return nil
	}
	cl := r.b.server.NewClient(nil, record.Listener, id, false)
	cl.Properties.Username = []byte(record.User)
	cl.Properties.ProtocolVersion = record.Version
	cl.Properties.Props.SessionExpiryInterval = record.Expiry
	cl.Properties.Props.MaximumPacketSize = record.MaxBytes
	cl.Stop(packets.ErrServerShuttingDown)
	r.b.server.Clients.Add(cl)
	r.clients[id] = cl
	r.b.sessions.restore(id, &session{user: record.User, issuer: string(record.Issuer), serial: string(record.Serial), anchors: anchors,
		password: record.Password, open: r.s.open(record.Listener), expires: expires})
	return nil
}

// owner returns the restored client that a key belongs to, nil when it was not restored.
func (r *restorer) owner(bucket, key string) (cl *mqtt.Client, rest string) {
	id, rest, _ := strings.Cut(key, "\x00")
	cl = r.clients[id]
	if cl == nil && !r.b.store.clients[id] {
		r.b.store.remove(bucket, key) // of a session that is no more; must not wait for the next user of the id
	}
	return cl, rest
}

func (r *restorer) subscription(key string, value []byte) error {
	cl, filter := r.owner(bucketSubscriptions, key)
	if cl == nil {
		return nil
	}
	if !maySubscribe(r.s, string(cl.Properties.Username), filter) {
		r.b.store.remove(bucketSubscriptions, key)
		return nil
	}
	var record subscriptionRecord
	if err := json.Unmarshal(value, &record); err != nil {
		return fmt.Errorf("client %q: %w: %w", cl.ID, keystore.ErrFormat, err)
	}
	sub := packets.Subscription{Filter: filter, Qos: record.QoS, Identifier: record.Identifier, NoLocal: record.NoLocal,
		RetainHandling: record.RetainHandling, RetainAsPublished: record.RetainAsPublished}
	if r.b.server.Topics.Subscribe(cl.ID, sub) {
		atomic.AddInt64(&r.b.server.Info.Subscriptions, 1)
	}
	cl.State.Subscriptions.Add(filter, sub)
	return nil
}

func (r *restorer) queued(key string, value []byte) error {
	cl, _ := r.owner(bucketQueue, key)
	if cl == nil {
		return nil
	}
	var record messageRecord
	if err := json.Unmarshal(value, &record); err != nil {
		return fmt.Errorf("client %q: %w: %w", cl.ID, keystore.ErrFormat, err)
	}
	if record.Type == packets.Publish && !maySubscribe(r.s, string(cl.Properties.Username), record.Topic) {
		r.b.store.remove(bucketQueue, key)
		return nil
	}
	if cl.State.Inflight.Set(record.packet()) {
		atomic.AddInt64(&r.b.server.Info.Inflight, 1)
	}
	r.b.sessions.atLeast(cl.ID, record.Sequence)
	return nil
}

func (r *restorer) retained(topic string, value []byte) error {
	var record messageRecord
	if err := json.Unmarshal(value, &record); err != nil {
		return fmt.Errorf("topic %q: %w: %w", topic, keystore.ErrFormat, err)
	}
	r.b.server.Topics.RetainMessage(record.packet())
	atomic.StoreInt64(&r.b.server.Info.Retained, int64(r.b.server.Topics.Retained.Len()))
	return nil
}
