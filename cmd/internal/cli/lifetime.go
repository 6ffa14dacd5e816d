package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// day is how long a "d" is. Certificates count in seconds, so daylight saving does not come into it.
const day = 24 * time.Hour

// maxLifetime keeps dates inside what GeneralizedTime can say (RFC 5280 section 4.1.2.5.2) and a Duration can hold.
const maxLifetime = 100 * 365 * day

// lifetime is a flag that takes a duration ("90d", "2y", "36h") or a date it ends on ("2027-01-31",
// "2027-01-31T12:00:00Z").
type lifetime struct {
	duration time.Duration
	end      time.Time
	text     string
}

// Set parses the flag, for pflag.
func (l *lifetime) Set(text string) error {
	for _, layout := range []string{time.RFC3339, "2006-01-02"} {
		if end, err := time.Parse(layout, text); err == nil {
			*l = lifetime{end: end, text: text}
			return nil
		}
	}
	duration, err := parseDuration(text)
	if err != nil {
		return err
	}
	*l = lifetime{duration: duration, text: text}
	return nil
}

// String is what help shows as the default.
func (l *lifetime) String() string { return l.text }

// Type is what help shows as the flag's argument.
func (*lifetime) Type() string { return "DURATION|DATE" }

// from returns how long it lasts from now on; 0 when the flag was not given. A date in the past is an error.
func (l *lifetime) from(now time.Time) (time.Duration, error) {
	if l.end.IsZero() {
		return l.duration, nil
	}
	if !l.end.After(now) {
		return 0, usagef("%s lies in the past", l.text)
	}
	return l.end.Sub(now), nil
}

// parseDuration reads "90d", "2y", "6w", or what time.ParseDuration reads; a bare number is days, as keytool's
// -validity has it. Longer than 100 years is refused.
func parseDuration(text string) (time.Duration, error) {
	bad := fmt.Errorf("%q is no duration; write 90d, 2y, 36h or a date such as 2027-01-31", text)
	units := []struct {
		suffix string
		unit   time.Duration
	}{{"d", day}, {"w", 7 * day}, {"y", 365 * day}, {"", day}}
	for _, u := range units {
		number, ok := strings.CutSuffix(text, u.suffix)
		n, err := strconv.Atoi(number)
		if !ok || err != nil {
			continue
		}
		if n <= 0 || time.Duration(n) > maxLifetime/u.unit {
			return 0, fmt.Errorf("%q is not between 1 day and 100 years", text)
		}
		return time.Duration(n) * u.unit, nil
	}
	duration, err := time.ParseDuration(text)
	if err != nil {
		return 0, bad
	}
	if duration <= 0 || duration > maxLifetime {
		return 0, fmt.Errorf("%q is not between 1 second and 100 years", text)
	}
	return duration, nil
}
