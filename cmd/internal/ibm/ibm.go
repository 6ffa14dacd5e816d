// Package ibm does the work of the scripts in scripts/, which replace the certificate scripts of the IBM MQ Telemetry
// samples: the same variables, files, aliases, names and store contents, made in one process and without their
// mistakes.
//
// [Job.GenKeys] makes the keys. [Job.SelfSigned] and [Job.CASigned] are the two ways to certificates, each making
// missing keys first. [Job.MQSC] writes the channel definitions, [Job.Made] names everything that was made. Each can be
// run alone and again: a key that is there is never replaced, and a file that is as it should be is left alone.
//
// The package reads the variables it is handed, and files under their names. What it finds there is the user's own and
// trusted as such, but for its size and shape. It prints nothing.
package ibm

import (
	"io"
	"time"
)

// Job is one run of one script.
type Job struct {
	Settings
	Passwords *Passwords
	Now       func() time.Time
	Random    io.Reader // used by several goroutines at once

	CAIterations int // of PBKDF2 on the CA's key at rest; 0: 600,000, which take longer than everything else together
}

// Report says what a run did.
type Report struct {
	Files    []File   // in the order they were asked for
	Notices  []string // good to know, a sentence each
	Warnings []string // what must not be missed, a sentence each
}

// File is one line of a report.
type File struct {
	Path    string
	What    string    // "key srvalias, trusted caalias"
	Expires time.Time // of the first certificate in it that does; zero when there is none
	Kept    bool      // it was as it should be, and has not been touched
}
