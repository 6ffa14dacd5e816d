package matrix

import (
	"testing"
)

// The programs, by the names that the page has for them.
const (
	ours         = "mqttpki"
	keytool17    = "keytool 17"
	keytool25    = "keytool 25"
	openssl      = "openssl"
	opensslOld   = "openssl -legacy"
	pk12util     = "pk12util"
	certtool     = "certtool"
	pythonSystem = "python3-cryptography"
	pythonNew    = "cryptography"
	bouncy       = "BouncyCastle"
	node         = "Node.js"
	forge        = "node-forge"
)

// program is one that reads, and mostly writes.
type program struct {
	name    string
	what    string // the product, for the page
	how     string // how it reads, for the page
	version func(t *testing.T) string
	write   func(t *testing.T, rows []*row) // nil: it writes nothing
	read    func(t *testing.T, rows []*row) []answer
	shows   map[string]shows // by format; formats that are not there it does not read
}

// finders are all programs in the order of the tables. Each skips or fails its test when the program is missing.
var finders = []struct {
	name string
	find func(t *testing.T, m *material) *program
}{
	{ours, findOurs},
	{keytool17, findJava(17)},
	{keytool25, findJava(25)},
	{openssl, findOpenSSL},
	{opensslOld, findOpenSSLLegacy},
	{pk12util, findNSS},
	{certtool, findGnuTLS},
	{pythonSystem, findPythonSystem},
	{pythonNew, findPythonNew},
	{bouncy, findBouncy},
	{node, findNode},
	{forge, findForge},
}

// Readers differ in what they let one see.
var (
	everything = shows{aliases: true, chains: true, types: true, all: true}
	flatNamed  = shows{aliases: true, all: true}
	flat       = shows{all: true}
)
