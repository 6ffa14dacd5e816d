package broker

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// guardedLogger returns a logger whose records can hold no payload, password or key, whoever writes them: the server
// prints whole packets in its warnings.
func guardedLogger(l *slog.Logger) *slog.Logger { return slog.New(guard{l.Handler()}) }

// serverLogger is for the server itself: what it has to say at its own start and stop is nobody's concern.
func serverLogger(l *slog.Logger) *slog.Logger {
	return slog.New(demote{l.Handler()})
}

// secretKeys are attributes that are dropped by name; see also [secretValue].
var secretKeys = map[string]bool{"pk": true, "packet": true, "will": true, "payload": true, "password": true, "key": true}

// guard is a slog.Handler that drops attributes which may hold what must not be logged.
type guard struct{ next slog.Handler }

func (g guard) Enabled(ctx context.Context, level slog.Level) bool { return g.next.Enabled(ctx, level) }

func (g guard) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if safe, ok := censor(a); ok {
			clean.AddAttrs(safe)
		}
		return true
	})
	return g.next.Handle(ctx, clean)
}

func (g guard) WithAttrs(attrs []slog.Attr) slog.Handler {
	var safe []slog.Attr
	for _, a := range attrs {
		if a, ok := censor(a); ok {
			safe = append(safe, a)
		}
	}
	return guard{g.next.WithAttrs(safe)}
}

func (g guard) WithGroup(name string) slog.Handler { return guard{g.next.WithGroup(name)} }

// censor returns an attribute as it may be logged, false when not at all.
func censor(a slog.Attr) (slog.Attr, bool) {
	if secretKeys[strings.ToLower(a.Key)] || secretValue(a.Value) {
		return a, false
	}
	if a.Value.Kind() != slog.KindGroup {
		return a, true
	}
	var inside []any
	for _, member := range a.Value.Group() {
		if safe, ok := censor(member); ok {
			inside = append(inside, safe)
		}
	}
	return slog.Group(a.Key, inside...), true
}

// secretValue reports whether a value is of a type that carries payloads or passwords.
func secretValue(v slog.Value) bool {
	if v.Kind() != slog.KindAny {
		return false
	}
	switch v.Any().(type) {
	case packets.Packet, *packets.Packet, packets.ConnectParams, mqtt.Will, *mqtt.Will, *mqtt.Client, []byte:
		return true
	}
	return false
}

// demote is a slog.Handler that makes everything below a warning a debug message.
type demote struct{ next slog.Handler }

func (d demote) Enabled(ctx context.Context, level slog.Level) bool {
	return d.next.Enabled(ctx, demoted(level))
}

func (d demote) Handle(ctx context.Context, r slog.Record) error {
	r.Level = demoted(r.Level)
	if r.Message == mqtt.ErrMinimumKeepalive.Error() { // the client's own choice, repeated at every connect
		r.Level = slog.LevelDebug
	}
	if !d.next.Enabled(ctx, r.Level) {
		return nil
	}
	return d.next.Handle(ctx, r)
}

func (d demote) WithAttrs(attrs []slog.Attr) slog.Handler { return demote{d.next.WithAttrs(attrs)} }
func (d demote) WithGroup(name string) slog.Handler       { return demote{d.next.WithGroup(name)} }

func demoted(level slog.Level) slog.Level {
	if level < slog.LevelWarn {
		return slog.LevelDebug
	}
	return level
}

// logRefused says which connection was refused in its handshake, and why.
func (l *listener) logRefused(k *link, why *refusal) { l.refusal("handshake refused", k, why) }

// refusal logs that a connection did not get as far as being a client.
func (l *listener) refusal(message string, k *link, why *refusal) {
	attrs := []any{"listener", l.model.Name, "remote", k.remote, "cause", why.cause, "why", why.text}
	if why.cause == causeGone { // port scans and health checks
		l.b.log.Debug(message, attrs...)
		return
	}
	held, say := l.refused.count(l.b.opts.Now())
	if held > 0 {
		attrs = append(attrs, "not_logged", held)
	}
	if say {
		l.b.log.Warn(message, attrs...)
	}
}

// logEnded says how a connection ended.
func (l *listener) logEnded(k *link, err error) {
	if !k.established.Load() {
		if err == nil {
			return
		}
		l.refusal("connection refused", k, explain(err))
		return
	}
	attrs := []any{"client", k.id, "user", k.user, "listener", l.model.Name, "remote", k.remote}
	if err != nil {
		attrs = append(attrs, "why", explain(err).text)
	}
	if n := k.denials.Load(); n > 0 {
		attrs = append(attrs, "denials", n)
	}
	l.b.log.Info("client disconnected", attrs...)
}

// quiet lets some messages of a kind through in ten seconds and counts the rest, so that nobody can fill the disk by
// being refused.
type quiet struct {
	burst int // how many get through

	mu     sync.Mutex
	since  time.Time
	passed int
	held   int
}

// count adds one event. When say is true it is to be logged, and held is how many were not, since the last that was.
func (q *quiet) count(now time.Time) (held int, say bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now.Sub(q.since) >= quietInterval {
		q.since, q.passed = now, 0
	}
	if q.passed >= q.burst {
		q.held++
		return 0, false
	}
	q.passed++
	held, q.held = q.held, 0
	return held, true
}

const quietInterval = 10 * time.Second
