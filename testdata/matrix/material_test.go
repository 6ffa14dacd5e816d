package matrix

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/testdata/interop"
	"github.com/mqttpki/mqttpki/testdata/mint"
)

// password protects every file that has one.
const password = "changeit"

// The contents that files are made of.
const (
	oneKey     = "one key"     // EC, with the two CAs above it
	manyKeys   = "two keys"    // each with its chain, and two trusted certificates
	trustStore = "trust store" // two trusted certificates
	rsaKey     = "RSA key"     // under an RSA root: some programs know nothing else
	edKey      = "Ed25519 key" // with the two CAs above it
	chainOnly  = "chain"       // the certificates of oneKey as a bundle
	oneCert    = "certificate" // one alone
)

// material is what the files of one run hold, and a folder of what programs are given to make them.
type material struct {
	dir      string // PEM files and a PKCS12 file, by alias: ALIAS.key, ALIAS.crt, ALIAS.chain, ALIAS.cas, ALIAS.p12; roots
	contents map[string][]entry
}

// newMaterial makes the keys and certificates, and the files that writers start from. The PKCS12 files among them are
// openssl's: no other program can make keytool or NSS take a key that is there already.
func newMaterial(t *testing.T) *material {
	t.Helper()
	root := mint.CA(t, "Plant Root", "ec")
	issuing := mint.New(t, "Plant Issuing", mint.Key(t, "ec"), root, true)
	other, rsaRoot := mint.CA(t, "Other Root", "ec"), mint.CA(t, "RSA Root", "rsa")
	sensor := keyEntry("sensor-17", mint.Leaf(t, "sensor-17", "ec", issuing), issuing, root)
	broker := keyEntry("broker", mint.Leaf(t, "broker.example", "ec", issuing), issuing, root)
	rsa := keyEntry("rsa-client", mint.Leaf(t, "rsa-client", "rsa", rsaRoot), rsaRoot)
	ed := keyEntry("ed-client", mint.Leaf(t, "ed-client", "ed25519", issuing), issuing, root)
	trusted := []entry{certEntry(kindTrusted, "rootca", root), certEntry(kindTrusted, "otherca", other)}
	m := &material{dir: t.TempDir(), contents: map[string][]entry{
		oneKey:     {sensor},
		manyKeys:   {broker, sensor, trusted[0], trusted[1]},
		trustStore: trusted,
		rsaKey:     {rsa},
		edKey:      {ed},
		chainOnly:  bundle(sensor),
		oneCert:    bundle(sensor)[:1],
	}}
	openssl := interop.Need(t, "openssl")
	for _, e := range []entry{sensor, broker, rsa, ed, trusted[0], trusted[1]} {
		m.write(t, e)
		if e.kind == kindKey {
			interop.Run(t, m.dir, openssl, "pkcs12", "-export", "-inkey", e.alias+".key", "-in", e.alias+".crt",
				"-certfile", e.alias+".cas", "-name", e.alias, "-passout", "pass:"+password, "-out", e.alias+".p12")
		}
	}
	roots := bytes.Join(blocks("CERTIFICATE", [][]byte{root.DER, rsaRoot.DER}), nil)
	require.NoError(t, os.WriteFile(filepath.Join(m.dir, "roots"), roots, 0o600))
	return m
}

// write puts an entry into PEM files.
func (m *material) write(t *testing.T, e entry) {
	t.Helper()
	all := bytes.Join(blocks("CERTIFICATE", e.chain), nil)
	for ending, text := range map[string][]byte{
		".key": bytes.Join(blocks("PRIVATE KEY", [][]byte{e.pkcs8}), nil), ".chain": all,
		".crt": blocks("CERTIFICATE", e.chain[:1])[0], ".cas": bytes.Join(blocks("CERTIFICATE", e.chain[1:]), nil),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(m.dir, e.alias+ending), text, 0o600))
	}
}

// blocks are PEM blocks of DER bytes.
func blocks(label string, all [][]byte) [][]byte {
	var out [][]byte
	for _, der := range all {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
	}
	return out
}

// keyEntry is a key with its chain.
func keyEntry(alias string, leaf *mint.Identity, issuers ...*mint.Identity) entry {
	e := entry{kind: kindKey, alias: alias, pkcs8: leaf.PKCS8, spki: leaf.Cert.RawSubjectPublicKeyInfo, chain: [][]byte{leaf.DER}}
	for _, i := range issuers {
		e.chain = append(e.chain, i.DER)
	}
	return e
}

// certEntry is a certificate under a name.
func certEntry(kind, alias string, m *mint.Identity) entry {
	return entry{kind: kind, alias: alias, chain: [][]byte{m.DER}}
}

// bundle is the chain of a key as certificates that stand for themselves.
func bundle(e entry) []entry {
	var out []entry
	for _, c := range e.chain {
		out = append(out, entry{kind: kindCert, chain: [][]byte{c}})
	}
	return out
}
