package cli

import (
	"log/slog"
	"time"
)

// logger writes a broker's log to standard error: one line an event, with --json as JSON. The broker's own guard keeps
// payloads, passwords and keys out of it.
func (d *deps) logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.String(slog.TimeKey, a.Value.Time().UTC().Format(time.RFC3339))
		}
		return a
	}}
	switch {
	case d.quiet:
		options.Level = slog.LevelWarn
	case d.verbose:
		options.Level = slog.LevelDebug
	}
	if d.json {
		return slog.New(slog.NewJSONHandler(d.err, options))
	}
	return slog.New(slog.NewTextHandler(d.err, options))
}
