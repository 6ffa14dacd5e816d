package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mqttpki/mqttpki/keystore/inspect"
)

// fullEntries is how many entries a report may have to be printed at length without --verbose; a system's trust store
// is a table.
const fullEntries = 12

// reportPrinter writes one report for a person. Everything from the file is made printable.
type reportPrinter struct {
	w io.Writer
}

func (p reportPrinter) line(format string, args ...any) {
	_, _ = fmt.Fprintln(p.w, strings.TrimRight(printableLine(fmt.Sprintf(format, args...)), " "))
}

// printReport prints a file's report.
func printReport(w io.Writer, f *inspect.File, verbose bool) {
	p := reportPrinter{w}
	p.line("file: %s", f.File)
	p.line("format: %s, %d bytes", formatTitle(f.Format), f.Bytes)
	p.line("integrity: %s", integrityText(f))
	p.protection(f.Protection)
	for i := range f.Entries {
		if len(f.Entries) > fullEntries && !verbose {
			p.brief(f.Entries)
			break
		}
		p.entry(&f.Entries[i])
	}
	if len(f.Entries) == 0 {
		p.line("")
		p.line("no entries%s", map[bool]string{true: " can be seen without the password"}[f.Password == passNeeded])
	}
	p.problems(f.Problems, verbose)
	p.readers(f.Readers)
}

// formatTitle is how people call a format.
func formatTitle(format string) string {
	switch format {
	case "p12":
		return "PKCS12"
	case "pkcs7":
		return "PKCS#7"
	}
	return strings.ToUpper(format)
}

// integrityText says what vouches for the file.
func integrityText(f *inspect.File) string {
	switch {
	case f.Integrity == "verified" && f.Password == passEmpty:
		return "verified, with the empty password"
	case f.Integrity == "verified":
		return "verified with the password"
	case f.Integrity == "unchecked":
		return "not checked, for want of the password"
	}
	return "nothing vouches for the file as a whole"
}

// protection prints each way of protection once, with the parts that have it.
func (p reportPrinter) protection(list []inspect.Protection) {
	type kind struct {
		text string
		weak bool
	}
	var order []kind
	parts := map[kind][]string{}
	for _, x := range list {
		k := kind{text: x.Algorithm, weak: x.Weak != ""}
		if x.Iterations > 0 {
			k.text += fmt.Sprintf(", %d iterations", x.Iterations)
		}
		if parts[k] == nil {
			order = append(order, k)
		}
		if n := len(parts[k]); n == 0 || parts[k][n-1] != x.Part {
			parts[k] = append(parts[k], x.Part)
		}
	}
	for _, k := range order {
		weak := ""
		if k.weak {
			weak = ", weak"
		}
		p.line("protection: %s%s (%s)", k.text, weak, strings.Join(parts[k], ", "))
	}
}

// brief prints many entries as a table.
func (p reportPrinter) brief(entries []inspect.Entry) {
	p.line("")
	p.line("%d entries (--verbose shows all of each)", len(entries))
	width := 0
	for _, e := range entries {
		width = max(width, min(len(e.Alias), 40))
	}
	for _, e := range entries {
		what := ""
		if len(e.Certificates) > 0 {
			what = fmt.Sprintf("%s  %s", untilText(&e.Certificates[0], true), e.Certificates[0].Subject)
		}
		p.line("  %-*s  %-11s  %s", width, e.Alias, e.Type, what)
	}
}

// entry prints one entry at length.
func (p reportPrinter) entry(e *inspect.Entry) {
	p.line("")
	if e.Alias != "" {
		p.line("alias: %s", e.Alias)
	}
	p.line("type: %s", typeText(e))
	if e.Created != nil {
		p.line("created: %s", e.Created.Format(time.RFC3339))
	}
	if e.Locked != "" {
		p.line("locked: %s", e.Locked)
	}
	if r := e.Request; r != nil {
		p.field("subject", r.Subject)
		p.field("names", strings.Join(r.SANs, ", "))
		p.field("signature", r.SignatureAlgorithm+map[bool]string{false: ", which does not fit"}[r.SignatureValid])
	}
	if l := e.CRL; l != nil {
		p.field("issuer", l.Issuer)
		p.field("number", l.Number)
		next := "no next update"
		if l.NextUpdate != nil {
			next = "next " + l.NextUpdate.Format(time.RFC3339)
		}
		p.field("updated", l.ThisUpdate.Format(time.RFC3339)+", "+next)
		p.field("revoked", counted(l.Revoked, "certificate"))
	}
	for i := range e.Certificates {
		if len(e.Certificates) > 1 {
			p.line("certificate: %d of %d", i+1, len(e.Certificates))
		}
		p.certificate(&e.Certificates[i])
	}
}

// typeText says what an entry is.
func typeText(e *inspect.Entry) string {
	text := map[string]string{
		"key": "private key", "trusted": "trusted certificate", "certificate": "certificate", "request": "certificate request",
		"crl": "revocation list", "secret": "secret key", "public-key": "public key",
	}[e.Type]
	if e.Key != nil {
		text += ", " + keyText(e.Key)
	}
	if e.Type == "key" && len(e.Certificates) > 0 {
		text += ", " + counted(len(e.Certificates), "certificate")
	}
	return text
}

// keyText is the algorithm with what tells its strength.
func keyText(k *inspect.Key) string {
	switch {
	case k.Algorithm == "":
		return "of an unknown algorithm"
	case k.Curve != "":
		return k.Algorithm + " " + k.Curve
	case k.Bits > 0 && k.Algorithm != "Ed25519" && k.Algorithm != "X25519":
		return fmt.Sprintf("%s %d", k.Algorithm, k.Bits)
	}
	return k.Algorithm
}

// field prints an indented name and value, nothing for an empty value.
func (p reportPrinter) field(name, value string) {
	if value != "" {
		p.line("  %-10s %s", name+":", value)
	}
}

// certificate prints one certificate.
func (p reportPrinter) certificate(c *inspect.Certificate) {
	if c.Subject == "" && c.Serial == "" {
		p.line("  a certificate that does not follow RFC 5280")
		p.field("sha256", c.SHA256)
		return
	}
	p.field("subject", c.Subject)
	if c.SelfSigned {
		p.field("issuer", "itself")
	} else {
		p.field("issuer", c.Issuer)
	}
	p.field("names", strings.Join(c.SANs, ", "))
	p.field("valid", fmt.Sprintf("%s to %s (%s)", c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly), untilText(c, false)))
	p.field("role", c.Role)
	p.field("usage", strings.Join(append(c.KeyUsage[:len(c.KeyUsage):len(c.KeyUsage)], c.EKU...), ", "))
	p.field("key", keyText(&c.Key))
	p.field("signature", c.SignatureAlgorithm)
	p.field("serial", c.Serial)
	p.field("sha256", c.SHA256)
	p.field("sha1", c.SHA1)
}

// untilText says how long a certificate is good yet.
func untilText(c *inspect.Certificate, date bool) string {
	if date {
		return c.NotAfter.Format(time.DateOnly)
	}
	switch {
	case c.DaysLeft < 0:
		return "expired " + counted(-c.DaysLeft, "day") + " ago"
	default:
		return counted(c.DaysLeft, "day") + " left"
	}
}

// problems prints what is wrong, at most fullEntries of one kind without --verbose.
func (p reportPrinter) problems(list []inspect.Problem, verbose bool) {
	if len(list) == 0 {
		return
	}
	p.line("")
	p.line("problems:")
	count := map[string]int{}
	for _, x := range list {
		count[x.Code]++
		if count[x.Code] > fullEntries && !verbose {
			continue
		}
		entry := ""
		if x.Entry != "" && !strings.Contains(x.Text, x.Entry) {
			entry = x.Entry + ": "
		}
		p.line("  %-8s %s: %s%s", x.Severity, x.Code, entry, x.Text)
	}
	for code, n := range count {
		if n > fullEntries && !verbose {
			p.line("  ...      %s: %d more (--verbose shows them)", code, n-fullEntries)
		}
	}
}

// readers prints who can read the file.
func (p reportPrinter) readers(list []inspect.Reader) {
	if len(list) == 0 {
		return
	}
	p.line("")
	p.line("readers:")
	for _, r := range list {
		p.line("  %-16s %-5s %s", r.Program+" "+r.Version, r.Reads, r.Why)
	}
}
