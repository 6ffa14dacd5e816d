package pemfile

// ProfileOf returns the profile whose form a bundle has that was read, so that it can be written as it was.
func (PKCS7) ProfileOf(data []byte) string {
	const indefinite = 0x80 // as a length, X.690 section 8.1.3.6
	switch {
	case len(data) < 2 || data[0] != tagSequence:
		return ProfilePEM
	case data[1] == indefinite:
		return ProfileBER
	}
	return ProfileDER
}
