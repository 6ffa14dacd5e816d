package ber

// Begin returns the content of the SEQUENCE that data, a file or its beginning, begins with, as far as that is there. It
// looks at nothing but the header, whose length may be indefinite: for telling formats apart, not for reading them.
func Begin(data []byte) (content []byte, ok bool) {
	const sequence, longForm, maxLength = 0x30, 0x80, 8
	if len(data) < 2 || data[0] != sequence {
		return nil, false
	}
	size := 2
	if data[1] > longForm {
		size += int(data[1] &^ longForm)
	}
	if size > len(data) || size > 2+maxLength {
		return nil, false
	}
	return data[size:], true
}
