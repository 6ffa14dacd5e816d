package keystore

import "errors"

// remedied is an error that brings what to do about it.
type remedied struct {
	error
	remedy string
}

func (r remedied) Unwrap() error { return r.error }

// WithRemedy gives err what a person can do about it: a command to type, or a sentence, in which FILE stands for the name
// of the file and DIRECTORY for the folder that it is in, since a decoder knows neither. The message stays as it is.
func WithRemedy(err error, remedy string) error { return remedied{err, remedy} }

// Remedy returns what [WithRemedy] gave err, "" when it did not.
func Remedy(err error) string {
	var r remedied
	if errors.As(err, &r) {
		return r.remedy
	}
	return ""
}
