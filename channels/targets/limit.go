package targets

import (
	"fmt"
	"slices"

	"github.com/mqttpki/mqttpki/channels"
)

// Limit is one fact about a product: something that it cannot express, or a trap. Exactly one of its three functions
// is set; each returns "" where the fact does not matter, else one sentence about it.
type Limit struct {
	Property Property          // what is lost; "" for an error that cannot be accepted, or a warning
	Severity channels.Severity // "" is [channels.Error]
	Since    string            // the first version it holds for; "" is the first of all
	Until    string            // the first version it no longer holds for; "" is none
	Source   string            // a manual, or the version it was tried with
	Field    string            // of a listener, for the line in the model's file: "identity.user"

	Listener func(s Settings, l *channels.Listener) string
	Rule     func(s Settings, r *channels.Rule) string
	Whole    func(s Settings) string
}

// Settings is a model with what a target's block and the command line say beside it.
type Settings struct {
	Model
	Release Version // of the product
	Accepts []Loss
	Block   any // the decoded block, of the target's own type
}

// Accepted reports whether the loss of a property on a listener was accepted by name.
func (s Settings) Accepted(listener string, property Property) bool {
	return slices.Contains(s.Accepts, Loss{listener, property})
}

// Common is what every target's block may hold; blocks embed nothing, so each repeats these two fields.
type Common struct {
	Version    string
	AcceptLoss []string
}

// Settle puts a model's settings together. What is wrong with a block or a version is an error that nobody can accept.
func Settle(p Product, m Model, common Common, block any) (Settings, []Problem) {
	s := Settings{Model: m, Accepts: m.Accept, Block: block}
	var problems []Problem
	add := func(severity channels.Severity, path, format string, args ...any) {
		line, column := m.At(path)
		problems = append(problems, Problem{Problem: channels.Problem{
			Line: line, Column: column, Path: path, Severity: severity, Text: fmt.Sprintf(format, args...)}})
	}
	fail := func(path, format string, args ...any) { add(channels.Error, path, format, args...) }
	version := m.Version
	if version == "" {
		version = common.Version
	}
	if version == "" {
		version = p.Default
	}
	at := "targets." + p.Name
	oldest, _ := ParseVersion(p.Versions[0])
	release, err := ParseVersion(version)
	switch {
	case err != nil:
		fail(at+".version", "%v", err)
	case release.Before(oldest):
		fail(at+".version", "%s %s is older than %s, the oldest that is known here", p.Title, release, oldest)
	}
	s.Release = release
	newest, _ := ParseVersion(p.Versions[len(p.Versions)-1])
	if slices.Compare(release[:2], newest[:2]) > 0 {
		add(channels.Warning, at+".version", "%s %s is newer than %s, the newest that is known here: what it changed is not taken into account", p.Title, release, newest)
	}
	for i, text := range common.AcceptLoss {
		loss, err := ParseLoss(text)
		if err != nil {
			fail(fmt.Sprintf("%s.accept_loss[%d]", at, i), "%v", err)
			continue
		}
		s.Accepts = append(s.Accepts, loss)
	}
	for _, loss := range s.Accepts {
		if loss.Listener != ModelWide && m.Listener(loss.Listener) == nil {
			fail(at+".accept_loss", "there is no listener %q to lose %s on", loss.Listener, loss.Property)
		}
	}
	return s, problems
}

// BlockProblems turns the error of [channels.TargetNode.Decode] into problems.
func BlockProblems(err error) []Problem {
	if err == nil {
		return nil
	}
	ps, ok := err.(channels.Problems)
	if !ok {
		return []Problem{{Problem: channels.Problem{Severity: channels.Error, Text: err.Error()}}}
	}
	var out []Problem
	for _, p := range ps {
		out = append(out, Problem{Problem: p})
	}
	return out
}

// Review applies a product's limits to a model. An error whose loss was accepted comes back as a warning, and a
// permission that nothing needed is a warning too: it may hide a loss to come.
func Review(p Product, s Settings) []Problem {
	r := review{p: p, s: s, used: map[Loss]bool{}}
	for i := range p.Limits {
		r.limit(&p.Limits[i])
	}
	for _, loss := range s.Accepts {
		if !r.used[loss] {
			r.problems = append(r.problems, Problem{Problem: channels.Problem{
				Severity: channels.Warning, Text: fmt.Sprintf("the accepted loss %s is none: nothing is lost there", loss)}})
		}
	}
	return InFileOrder(r.problems)
}

// review collects the problems of one model.
type review struct {
	p        Product
	s        Settings
	used     map[Loss]bool
	problems []Problem
}

// limit applies one limit.
func (r *review) limit(l *Limit) {
	if since, err := ParseVersion(l.Since); err == nil && r.s.Release.Before(since) {
		return
	}
	if until, err := ParseVersion(l.Until); err == nil && !r.s.Release.Before(until) {
		return
	}
	switch {
	case l.Listener != nil:
		for i := range r.s.Listeners {
			listener := &r.s.Listeners[i]
			path := fmt.Sprintf("listeners[%d]", i)
			if l.Field != "" {
				path += "." + l.Field
			}
			r.add(l, path, listener.Name, l.Listener(r.s, listener))
		}
	case l.Rule != nil:
		for i := range r.s.Access {
			r.add(l, fmt.Sprintf("access[%d]", i), "", l.Rule(r.s, &r.s.Access[i]))
		}
	default:
		r.add(l, l.Field, "", l.Whole(r.s))
	}
}

// add reports a limit that matters.
func (r *review) add(l *Limit, path, listener, text string) {
	if text == "" {
		return
	}
	line, column := r.s.At(path)
	severity := l.Severity
	if severity == "" {
		severity = channels.Error
	}
	problem := Problem{
		Problem:  channels.Problem{Line: line, Column: column, Path: path, Severity: severity, Text: text},
		Listener: listener, Property: l.Property, Product: r.p.Title + " " + r.s.Release.String(), Source: l.Source,
	}
	if severity == channels.Error && l.Property != "" {
		loss := problem.Loss()
		if r.s.Accepted(loss.Listener, loss.Property) {
			problem.Severity, problem.Accepted = channels.Warning, true
			r.used[loss] = true
		}
	}
	r.problems = append(r.problems, problem)
}
