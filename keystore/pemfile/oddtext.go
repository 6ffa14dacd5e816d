package pemfile

// oddText is what is unusual about the lines of a PEM file. All of it is read here, and not by every program; who refuses
// what was measured, see package inspect.
type oddText struct {
	mark       bool // a byte order mark in UTF-8, as Windows' Notepad once wrote it
	lineEnds   bool // lines end in CR alone, as of old Macs
	blankLines bool // between the lines of a block
	blanks     bool // behind BEGIN or END
}

// oddLabels is what is unusual about its blocks.
type oddLabels struct {
	trusted bool // OpenSSL's own TRUSTED CERTIFICATE
	headers bool // in a block that is not encrypted, where RFC 7468 has none
}

// noteLabel looks at one block.
func (o *oddLabels) noteLabel(b *block) {
	o.trusted = o.trusted || b.label == labelTrusted
	o.headers = o.headers || len(b.headers) > 0 && b.header("DEK-Info") == ""
}

// oddText says what is unusual about the file.
func (d *decoder) oddText(t oddText) {
	if t.lineEnds {
		d.problem("cr-line-ends", "error", "", "The lines end in CR alone, as those of old Macs; OpenSSL and what is built on it, Mosquitto too, do not read that.")
	}
	if t.blankLines {
		d.problem("blank-lines", "error", "", "There are blank lines within a block; OpenSSL and what is built on it, Mosquitto too, do not read that.")
	}
	if d.odd.headers {
		d.problem("block-headers", "error", "", "A block that is not encrypted begins with lines of text; OpenSSL, GnuTLS and Java do not read that.")
	}
	if t.blanks {
		d.problem("trailing-blanks", "warning", "", "There are blanks behind BEGIN or END; Java 11 and older do not read that.")
	}
	if t.mark {
		d.problem("byte-order-mark", "warning", "", "The text begins with a byte order mark, as Windows programs write it; Java 17 and older do not read that.")
	}
	if d.odd.trusted {
		d.problem("trusted-label", "notice", "", "A certificate is in OpenSSL's own form, TRUSTED CERTIFICATE, which hardly any other program reads.")
	}
}
