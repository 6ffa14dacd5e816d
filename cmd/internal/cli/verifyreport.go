package cli

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/mqttpki/mqttpki/channels/probe"
)

// verifyDoc is `verify --json`.
type verifyDoc struct {
	Schema    string           `json:"schema"`
	Listeners []verifyListener `json:"listeners"`
	OK        bool             `json:"ok"`
}

type verifyListener struct {
	Name    string       `json:"name"`
	Address string       `json:"address"`
	Cases   []verifyCase `json:"cases"`
}

type verifyCase struct {
	Case     string  `json:"case"`
	Expected string  `json:"expected"`
	Got      string  `json:"got"`
	Cause    string  `json:"cause,omitempty"`
	OK       bool    `json:"ok"`
	LeftOut  string  `json:"left_out,omitempty"`
	Seconds  float64 `json:"seconds"`
}

func newVerifyDoc(results []probe.ListenerResult) verifyDoc {
	doc := verifyDoc{Schema: "mqttpki.verify/1", Listeners: []verifyListener{}, OK: true}
	for _, r := range results {
		l := verifyListener{Name: r.Name, Address: r.Address, Cases: []verifyCase{}}
		for _, c := range r.Results {
			l.Cases = append(l.Cases, verifyCase{c.Case, c.Expected, c.Got, c.Cause, c.OK, c.LeftOut, c.Took.Seconds()})
		}
		doc.Listeners = append(doc.Listeners, l)
		doc.OK = doc.OK && r.OK()
	}
	return doc
}

// tally counts cases.
type tally struct{ ok, failed, leftOut int }

func count(results []probe.ListenerResult) tally {
	var t tally
	for _, r := range results {
		for _, c := range r.Results {
			switch {
			case c.LeftOut != "":
				t.leftOut++
			case c.OK:
				t.ok++
			default:
				t.failed++
			}
		}
	}
	return t
}

// matrix prints the results as a table, a block a listener. What was left out for one reason is said once.
func (d *deps) matrix(results []probe.ListenerResult) error {
	var rows [][]string
	reasons := map[string]bool{}
	var order []string
	for _, r := range results {
		for i, c := range r.Results {
			listener := ""
			if i == 0 {
				listener = r.Name + " " + r.Address
			}
			verdict, got := "ok", c.Got
			switch {
			case c.LeftOut != "":
				verdict, got = "left out", ""
				if !reasons[c.LeftOut] {
					reasons[c.LeftOut] = true
					order = append(order, c.LeftOut)
				}
			case !c.OK:
				verdict = "NOT OK"
			}
			rows = append(rows, []string{listener, c.Case, c.Expected, verdict, got})
		}
	}
	if err := d.table([]string{"LISTENER", "WHO OR WHAT", "EXPECTED", "", "WHAT HAPPENED"}, rows); err != nil {
		return err
	}
	t := count(results)
	d.print("")
	d.print("%d as they should be, %d not, %d left out", t.ok, t.failed, t.leftOut)
	for _, why := range order {
		d.print("left out: %s", printable(why))
	}
	return nil
}

// JUnit's elements, as CI systems read them; there is no standard beyond what they have in common.
type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Skipped *junitMessage `xml:"skipped,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
}

// writeJUnit writes the results as JUnit XML, a suite a listener.
func writeJUnit(w io.Writer, results []probe.ListenerResult) error {
	var doc junitSuites
	for _, r := range results {
		suite := junitSuite{Name: r.Name, Tests: len(r.Results)}
		for _, c := range r.Results {
			jc := junitCase{Class: "mqttpki.verify." + strings.ReplaceAll(r.Name, ".", "_"), Name: c.Case, Time: fmt.Sprintf("%.3f", c.Took.Seconds())}
			switch {
			case c.LeftOut != "":
				suite.Skipped++
				jc.Skipped = &junitMessage{printable(c.LeftOut)}
			case !c.OK:
				suite.Failures++
				jc.Failure = &junitMessage{printable(fmt.Sprintf("expected: %s; got: %s", c.Expected, c.Got))}
			}
			suite.Cases = append(suite.Cases, jc)
		}
		doc.Suites = append(doc.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
