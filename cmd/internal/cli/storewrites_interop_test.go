package cli

import (
	"encoding/pem"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/testdata/interop"
)

// TestOthersReadOurStore: one PKCS12 of three keys with their chains and two trusted certificates, in the two profiles
// that every program reads, is what each of them shows: as many keys, under their names, with their chains.
func TestOthersReadOurStore(t *testing.T) {
	p := newPlant(t)
	for _, profile := range []string{"modern", "legacy"} {
		file := profile + ".p12"
		p.store(t, file, "--out-pass", pass, "--p12-profile", profile)
		t.Run(profile+"/openssl finds three keys without -legacy", func(t *testing.T) {
			text := openssl(t, "pkcs12", "-in", file, "-passin", pass, "-nodes")
			assert.Equal(t, 3, strings.Count(text, "BEGIN PRIVATE"))
			assert.Equal(t, "3 keys, 6 certificates", pemCounts(text), "leaves, intermediate, two trusted")
		})
		t.Run(profile+"/NSS imports three named keys", func(t *testing.T) {
			dir := t.TempDir()
			certutil := interop.Need(t, "certutil")
			interop.Run(t, ".", certutil, "-N", "-d", "sql:"+dir, "--empty-password")
			interop.Run(t, ".", interop.Need(t, "pk12util"), "-i", file, "-d", "sql:"+dir, "-W", changeit, "-K", "")
			keys := interop.Run(t, ".", certutil, "-K", "-d", "sql:"+dir)
			for _, alias := range aliases {
				assert.Contains(t, keys, alias)
			}
			assert.Len(t, regexp.MustCompile(`(?m)^<`).FindAllString(keys, -1), 3)
		})
		t.Run(profile+"/certtool checks the MAC", func(t *testing.T) {
			interop.Run(t, ".", interop.Need(t, "certtool"), "--p12-info", "--inder", "--infile", file, "--password", changeit)
		})
		t.Run(profile+"/pyca loads it", func(t *testing.T) {
			code := `from cryptography.hazmat.primitives.serialization import pkcs12
p = pkcs12.load_pkcs12(open("` + file + `", "rb").read(), b"changeit")
print(p.key is not None, p.cert.friendly_name.decode())`
			assert.Regexp(t, `^True (sensor|server-[12])\n$`, interop.Run(t, ".", interop.Python(t, "cryptography"), "-c", code))
		})
		t.Run(profile+"/RC2 is nowhere, and it is DER", func(t *testing.T) {
			text := openssl(t, "asn1parse", "-inform", "DER", "-in", file)
			assert.NotContains(t, text, "l=inf")
			assert.NotContains(t, text+openssl(t, "pkcs12", "-in", file, "-passin", pass, "-noout", "-info"), "RC2")
		})
	}
	t.Run("names and ids are on keys and leaves, and on nothing else", func(t *testing.T) { namesAndIDs(t, "modern.p12") })
	t.Run("keytool lists five entries, and pairs each key with its own certificate", keytoolReads)
}

// keytoolReads has keytool of every JDK list modern.p12 and legacy.p12, and take each key of the former out by itself: the
// public key of the alias is that of its certificate.
func keytoolReads(t *testing.T) {
	commands := [][]string{
		{"-list", "-v", "-keystore", "modern.p12", "-storetype", "PKCS12", "-storepass", changeit},
		{"-list", "-v", "-keystore", "legacy.p12", "-storetype", "PKCS12", "-storepass", changeit},
	}
	for _, alias := range aliases {
		commands = append(commands, []string{"-importkeystore", "-noprompt", "-srckeystore", "modern.p12", "-srcstoretype", "PKCS12", "-srcstorepass", changeit,
			"-srcalias", alias, "-destkeystore", "java-" + alias + ".p12", "-deststoretype", "PKCS12", "-deststorepass", changeit})
	}
	for _, jdk := range interop.JDKs(t) {
		for _, alias := range aliases {
			_ = os.Remove("java-" + alias + ".p12")
		}
		for _, list := range jdk.Keytool(t, ".", commands...)[:2] {
			assert.Contains(t, list, "contains 5 entries")
			for _, alias := range aliases {
				assert.Regexp(t, "Alias name: "+alias+"\n.*\nEntry type: PrivateKeyEntry\nCertificate chain length: 2", list, "JDK %d", jdk.Version)
			}
			for _, alias := range []string{"partner", "customer"} {
				assert.Regexp(t, "Alias name: "+alias+"\n.*\nEntry type: trustedCertEntry", list, "JDK %d", jdk.Version)
			}
		}
		for _, alias := range aliases {
			openssl(t, "pkcs12", "-in", "java-"+alias+".p12", "-passin", pass, "-nodes", "-out", "java.pem")
			key := openssl(t, "pkey", "-in", "java.pem", "-pubout")
			assert.Equal(t, key, openssl(t, "x509", "-in", "java.pem", "-pubkey", "-noout"), "JDK %d, %s", jdk.Version, alias)
			assert.Equal(t, key, openssl(t, "x509", "-in", alias+".crt", "-pubkey", "-noout"), "JDK %d, %s", jdk.Version, alias)
		}
	}
}

// bag is what `openssl pkcs12 -nodes` prints of one bag.
type bag struct{ name, id, kind, text string }

var (
	bagName = regexp.MustCompile(`(?m)^ +friendlyName: (.*)$`)
	bagID   = regexp.MustCompile(`(?m)^ +localKeyID: (.*)$`)
)

// bags takes the text apart.
func bags(text string) (list []bag) {
	for _, part := range strings.Split(text, "Bag Attributes")[1:] {
		b := bag{text: part}
		if m := bagName.FindStringSubmatch(part); m != nil {
			b.name = m[1]
		}
		if m := bagID.FindStringSubmatch(part); m != nil {
			b.id = strings.TrimSpace(m[1])
		}
		if block, _ := pem.Decode([]byte(part)); block != nil {
			b.kind = block.Type
		}
		list = append(list, b)
	}
	return list
}

// namesAndIDs: friendlyName and localKeyID are on each key and its leaf, the ids differ from key to key, no CA has one,
// and what is trusted says so in Java's own way.
func namesAndIDs(t *testing.T, file string) {
	keys, leaves := map[string]string{}, map[string]string{}
	ids := map[string]bool{}
	for _, b := range bags(openssl(t, "pkcs12", "-in", file, "-passin", pass, "-nodes")) {
		switch {
		case b.kind == "PRIVATE KEY":
			keys[b.name] = b.id
			ids[b.id] = true
		case b.id != "":
			leaves[b.name] = b.id
		case b.name == "partner" || b.name == "customer":
			assert.Contains(t, b.text, "2.16.840.1.113894.746875.1.1", "Java's trustedKeyUsage")
		default:
			assert.NotContains(t, b.text, "2.16.840.1.113894.746875.1.1", "nobody said that this one is to be trusted: %s", b.name)
		}
	}
	assert.Len(t, keys, 3)
	assert.Len(t, ids, 3)
	assert.NotContains(t, ids, "")
	assert.Equal(t, keys, leaves)
	for _, alias := range aliases {
		assert.Contains(t, keys, alias)
	}
}

// TestTrustNeedsJavasMark: Java shows a certificate without a key only where it carries Java's attribute: of openssl's
// file nothing, of ours the certificate.
func TestTrustNeedsJavasMark(t *testing.T) {
	newPlant(t)
	openssl(t, "pkcs12", "-export", "-nokeys", "-in", "partner.crt", "-caname", "partner", "-out", "theirs.p12", "-passout", pass)
	mqttpki(t, "convert", "partner.crt", "ours.p12", "--alias", "partner", "--out-pass", pass)
	for _, jdk := range interop.JDKs(t) {
		list := jdk.Keytool(t, ".", []string{"-list", "-keystore", "theirs.p12", "-storepass", changeit}, []string{"-list", "-v", "-keystore", "ours.p12", "-storepass", changeit})
		assert.Contains(t, list[0], "contains 0 entries")
		assert.Regexp(t, "Alias name: partner\n.*\nEntry type: trustedCertEntry", list[1])
	}
}

// TestRoundTripThroughEveryFormat: PKCS12 to JKS to PKCS12 to PEM to PKCS12 keeps keys and certificates byte for byte,
// and the aliases; creation dates to the millisecond as long as the format has them, and keytool shows the same day.
func TestRoundTripThroughEveryFormat(t *testing.T) {
	p := newPlant(t)
	p.store(t, "1.p12", "--out-pass", pass)
	files := []string{"1.p12", "2.jks", "3.p12", "4.pem", "5.p12"}
	first := decodeFile(t, files[0], changeit)
	for i, file := range files[1:] {
		mqttpki(t, "convert", files[i], file, "--in-pass", pass, "--out-pass", pass)
		got := decodeFile(t, file, changeit)
		require.Len(t, got.Identities, 3, file)
		require.Len(t, got.Anchors, 2, file)
		for j, id := range got.Identities {
			want := first.Identities[j]
			assert.Equal(t, want.Alias, id.Alias)
			assert.Equal(t, []byte(want.Key.PKCS8), []byte(id.Key.PKCS8), "%s: key %s", file, id.Alias)
			assert.Equal(t, []byte(p.keys[id.Alias].PKCS8), []byte(id.Key.PKCS8), "%s: key %s", file, id.Alias)
			require.Len(t, id.Chain, 2)
			for k := range id.Chain {
				assert.True(t, want.Chain[k].Equal(id.Chain[k]))
			}
			if i < 2 {
				assert.True(t, want.Created.Equal(id.Created), "%s: %v is %v", file, want.Created, id.Created)
			}
		}
		for j, a := range got.Anchors {
			assert.Equal(t, first.Anchors[j].Alias, a.Alias)
			assert.True(t, first.Anchors[j].Certificate.Equal(a.Certificate))
		}
	}
	assert.Equal(t, 535, first.Identities[0].Created.Nanosecond()/1_000_000, "the clock of the test has milliseconds")
	for _, jdk := range interop.JDKs(t) {
		for _, list := range jdk.Keytool(t, ".", []string{"-list", "-v", "-keystore", "2.jks", "-storepass", changeit}, []string{"-list", "-v", "-keystore", "3.p12", "-storepass", changeit}) {
			assert.Equal(t, 3, len(regexp.MustCompile("Creation date: Mar 14, 2026\nEntry type: PrivateKeyEntry").FindAllString(list, -1)), "JDK %d", jdk.Version)
		}
	}
}

// TestJavaReadsOurJKS lists it as the type it is, with names that are no ASCII, and takes its keys out.
func TestJavaReadsOurJKS(t *testing.T) {
	newPlant(t)
	const alias = "kä😀x"
	mqttpki(t, "convert", "sensor.key", "sensor.crt", "chain.crt", "ours.jks", "--alias", alias, "--only", "type=key", "--out-pass", pass)
	for _, jdk := range interop.JDKs(t) {
		_ = os.Remove("java.jks")
		list := jdk.Keytool(t, ".",
			[]string{"-list", "-v", "-keystore", "ours.jks", "-storetype", "JKS", "-storepass", changeit},
			[]string{"-importkeystore", "-noprompt", "-srckeystore", "ours.jks", "-srcstoretype", "JKS", "-srcstorepass", changeit,
				"-destkeystore", "java.jks", "-deststoretype", "JKS", "-deststorepass", "pässwort", "-destkeypass", "pässwort"})
		assert.Regexp(t, "Alias name: "+alias+"\n.*\nEntry type: PrivateKeyEntry", list[0])
		raw, err := os.ReadFile("java.jks")
		require.NoError(t, err)
		assert.Contains(t, string(raw), "\x6B\xC3\xA4\xED\xA0\xBD\xED\xB8\x80\x78", "modified UTF-8")
		require.NoError(t, os.WriteFile("umlaut.pass", []byte("pässwort\n"), 0o600))
		back := look(t, "java.jks", "--in-pass", "file:umlaut.pass")
		assert.Equal(t, "verified", back.Integrity)
		require.NotEmpty(t, back.Entries)
		assert.Equal(t, alias, back.Entries[0].Alias)
		assert.Empty(t, back.Entries[0].Locked)
		assert.Equal(t, look(t, "ours.jks", "--in-pass", pass).Entries[0].Key, back.Entries[0].Key)
	}
}

// TestPasswordsThatAreNotASCII: everybody opens such a PKCS12 but Java 17, and convert says so.
func TestPasswordsThatAreNotASCII(t *testing.T) {
	newPlant(t)
	const umlauts = "pässwörd€"
	out, errs := mqttpki(t, "convert", "sensor.key", "sensor.crt", "ours.p12", "--alias", "sensor", "--out-pass", "pass:"+umlauts)
	assert.Contains(t, out+errs, "Java 17")
	assert.NotContains(t, out+errs, umlauts)
	openssl(t, "pkcs12", "-in", "ours.p12", "-passin", "pass:"+umlauts, "-nodes", "-out", "k.pem")
	dir := t.TempDir()
	interop.Run(t, ".", interop.Need(t, "certutil"), "-N", "-d", "sql:"+dir, "--empty-password")
	interop.Run(t, ".", interop.Need(t, "pk12util"), "-i", "ours.p12", "-d", "sql:"+dir, "-W", umlauts, "-K", "")
	interop.Run(t, ".", interop.Need(t, "certtool"), "--p12-info", "--inder", "--infile", "ours.p12", "--password", umlauts)
	for _, jdk := range interop.JDKs(t) {
		list := []string{"-list", "-keystore", "ours.p12", "-storetype", "PKCS12", "-storepass", umlauts}
		if jdk.Version < 18 {
			list = append([]string{"!"}, list...)
		}
		jdk.Keytool(t, ".", list)
	}
}

// TestKeysInPEMForOpenSSL: what convert writes is PKCS#8 under PBES2 with AES-256 and HMAC-SHA256, and openssl opens it.
func TestKeysInPEMForOpenSSL(t *testing.T) {
	newPlant(t)
	for _, alias := range aliases {
		mqttpki(t, "convert", alias+".key", "out.pem", "--out-pass", pass, "--force")
		openssl(t, "pkey", "-in", "out.pem", "-passin", pass, "-noout")
		assert.Equal(t, openssl(t, "pkey", "-in", alias+".key", "-pubout"), openssl(t, "pkey", "-in", "out.pem", "-passin", pass, "-pubout"))
		text := openssl(t, "asn1parse", "-in", "out.pem")
		for _, word := range []string{"PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc"} {
			assert.Contains(t, text, word)
		}
	}
}

// TestTheSameBytesForTheSameRandomness: a result depends on nothing but its inputs, the clock and the random source; and
// what is a default in DER is left out.
func TestTheSameBytesForTheSameRandomness(t *testing.T) {
	p := newPlant(t)
	p.store(t, "in.p12", "--out-pass", pass)
	for _, ending := range []string{"p12", "jks", "pem"} {
		var files [][]byte
		for i, seed := range []byte{7, 7, 8} {
			file := fmt.Sprintf("%d.%s", i, ending)
			out, errs, code := runWith(mathReader(seed), "convert", "in.p12", file, "--in-pass", pass, "--out-pass", pass)
			require.Equal(t, exitDone, code, out+errs)
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			files = append(files, data)
		}
		assert.Equal(t, files[0], files[1], ending)
		assert.NotEqual(t, files[0], files[2], ending)
	}
	mqttpki(t, "convert", "in.p12", "once.p12", "--in-pass", pass, "--out-pass", pass, "--iterations", "1")
	mqttpki(t, "convert", "in.p12", "twice.p12", "--in-pass", pass, "--out-pass", pass, "--iterations", "2")
	end := func(file string) string {
		lines := strings.Split(strings.TrimSpace(openssl(t, "asn1parse", "-inform", "DER", "-in", file)), "\n")
		return lines[len(lines)-1]
	}
	assert.Contains(t, end("once.p12"), "OCTET STRING", "the salt is the last of MacData")
	assert.Regexp(t, `INTEGER +:02$`, end("twice.p12"))
	openssl(t, "pkcs12", "-in", "once.p12", "-passin", pass, "-nodes", "-out", "k.pem")
}
