// Package matrix tries every program that writes keys and certificates against every program that reads them, ours among
// both, and publishes what it finds as docs/interop.md. It has tests alone.
//
// rows_test.go lists the files that are written, readers_test.go and its neighbours the programs, and known_test.go
// every cell that is not simply "yes", with why and whose fault it is. A cell that turns out otherwise, for the worse or
// for the better, fails the test. After a change that is meant: make interop.
package matrix
