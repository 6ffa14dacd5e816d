package p12file

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/ber"
	"github.com/mqttpki/mqttpki/keystore/pbe"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// seed is one input of the fuzzer: a whole file, or when bare is set the contents of one safe.
type seed struct {
	data     []byte
	password string
	bare     bool
}

// seeds are small files of many kinds, made when the test runs so that none can be missing: ours, and those of real
// programs. Each of theirs is there as it is, without its MAC, and as the safes that lie in it.
func seeds(t testing.TB) []seed {
	if interop.Seeds() == interop.SeedsNone {
		return nil
	}
	all := ownSeeds(t)
	for _, real := range realSeeds(t) {
		all = append(all, real, seed{withoutMAC(real.data), real.password, false})
		for _, safe := range safesOf(t, real) {
			all = append(all, seed{safe, real.password, true})
		}
	}
	return all
}

// ownSeeds are files of this package's writer, the RFC's examples, and hostile ones.
func ownSeeds(t testing.TB) []seed {
	one := bigStore(t, true)
	one.Identities, one.Loose = one.Identities[1:2], nil
	trust := &keystore.Store{Anchors: one.Anchors}
	password := string(testPassword)
	var all []seed
	for _, profile := range []string{ProfileModern, ProfileLegacy, ProfilePBMAC1} {
		data, _ := write(t, one, fast(profile))
		all = append(all, seed{data, password, false}, seed{toBER(data), password, false}, seed{data, "wrong", false})
	}
	big, _ := write(t, bigStore(t, true), fast(""))
	open, _ := write(t, trust, fast(ProfilePasswordlessTrust))
	all = append(all, seed{[]byte(armoured(open)), "", false})
	all = append(all, seed{big, password, false}, seed{open, "", false},
		seed{withMAC(2_000_000_000), "", false}, seed{[]byte("0\x80\x02\x01\x03"), "", false})
	for i := 1; i <= 6; i++ {
		text, err := os.ReadFile(fmt.Sprintf("testdata/rfc9579/a%d.b64", i))
		require.NoError(t, err)
		data, err := base64.StdEncoding.DecodeString(string(text))
		require.NoError(t, err)
		all = append(all, seed{data, "1234", false})
	}
	for _, safe := range safesOf(t, seed{data: big, password: password}) {
		all = append(all, seed{safe, password, true})
	}
	return all
}

// realSeeds are files of the programs that are on this machine. The slow ones are run for fuzzing alone: what they
// write is read by tests of its own.
func realSeeds(t testing.TB) []seed {
	p := newParty(t)
	all := opensslSeeds(t, p)
	if interop.Seeds() == interop.SeedsAll {
		all = append(append(append(all, nssSeeds(t, p)...), gnutlsSeeds(t, p)...), keytoolSeeds(t, p)...)
	}
	return all
}

// opensslSeeds has `openssl pkcs12 -export` write with each kind of option.
func opensslSeeds(t testing.TB, p party) (all []seed) {
	openssl := interop.Optional(t, "openssl")
	if openssl == "" {
		return nil
	}
	for i, args := range []string{
		"", "-nomac -LMK -CSP mycsp", "-keypbe NONE -certpbe NONE", "-nokeys", "-nocerts",
		"-certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-RC4-128 -macalg md5 -provider legacy -provider default",
		"-certpbe AES-128-CBC -keypbe DES-EDE3-CBC -macalg sha512", "-certpbe PBE-SHA1-2DES -keypbe PBE-SHA1-3DES -macalg sha1",
	} {
		name, password := fmt.Sprintf("o%d.p12", i), []string{"changeit", "", "ü€"}[i%3]
		interop.Run(t, p.dir, openssl, append([]string{"pkcs12", "-export", "-inkey", "key.pem", "-in", "leaf.pem", "-certfile", "root.pem",
			"-name", "Leaf 1", "-iter", "2", "-out", name, "-passout", "pass:" + password}, strings.Fields(args)...)...)
		all = append(all, seed{get(t, p.dir, name), password, false})
	}
	return all
}

// nssSeeds has pk12util write, which means BER.
func nssSeeds(t testing.TB, p party) []seed {
	pk12util, certutil := interop.Optional(t, "pk12util"), interop.Optional(t, "certutil")
	if pk12util == "" || certutil == "" {
		return nil
	}
	data, _ := write(t, &keystore.Store{Identities: []keystore.Identity{identity(t, "nick", p.leaf, p.root)}}, fast(""))
	put(t, p.dir, "in.p12", data)
	interop.Run(t, p.dir, certutil, "-N", "-d", "sql:"+p.dir, "--empty-password")
	interop.Run(t, p.dir, pk12util, "-i", "in.p12", "-d", "sql:"+p.dir, "-W", "changeit", "-K", "")
	interop.Run(t, p.dir, pk12util, "-o", "nss.p12", "-n", "nick", "-d", "sql:"+p.dir, "-W", "changeit", "-K", "")
	return []seed{{get(t, p.dir, "nss.p12"), "changeit", false}}
}

// gnutlsSeeds has certtool write, which means three safes.
func gnutlsSeeds(t testing.TB, p party) (all []seed) {
	certtool := interop.Optional(t, "certtool")
	if certtool == "" {
		return nil
	}
	for _, cipher := range []string{"aes-256", "3des-pkcs12", "rc2-40", "arcfour"} {
		interop.Run(t, p.dir, certtool, "--to-p12", "--load-privkey", "key.pem", "--load-certificate", "leaf.pem", "--load-ca-certificate", "root.pem",
			"--p12-name", "gnu", "--password", "changeit", "--outder", "--outfile", "gnu.p12", "--pkcs-cipher", cipher)
		all = append(all, seed{get(t, p.dir, "gnu.p12"), "changeit", false})
	}
	return all
}

// keytoolSeeds has each JDK write keys, trusted and secret entries, in the old form, the new one, and without a MAC.
func keytoolSeeds(t testing.TB, p party) (all []seed) {
	if interop.Optional(t, "keytool") == "" {
		return nil
	}
	quick := []string{"-J-Dkeystore.pkcs12.macIterationCount=2", "-J-Dkeystore.pkcs12.certPbeIterationCount=2", "-J-Dkeystore.pkcs12.keyPbeIterationCount=2"}
	for _, jdk := range interop.JDKs(t) {
		name := func(kind string) string { return fmt.Sprintf("%s%d.p12", kind, jdk.Version) }
		trust := func(kind string) []string {
			return onStore(name(kind), "-importcert", "-noprompt", "-file", "root.pem", "-alias", "RootCA")
		}
		jdk.Keytool(t, p.dir,
			genKey(name("new"), "One", quick...), trust("new"),
			onStore(name("new"), "-genseckey", "-keyalg", "AES", "-keysize", "256", "-alias", "sec"),
			genKey(name("open"), "One", "-J-Dkeystore.pkcs12.macAlgorithm=NONE", "-J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE"), trust("open"),
			genKey(name("old"), "One", "-J-Dkeystore.pkcs12.keyProtectionAlgorithm=PBEWithSHA1AndDESede",
				"-J-Dkeystore.pkcs12.certProtectionAlgorithm=PBEWithSHA1AndRC2_40", "-J-Dkeystore.pkcs12.macAlgorithm=HmacPBESHA1"), trust("old"))
		for _, kind := range []string{"new", "open", "old"} {
			all = append(all, seed{get(t, p.dir, name(kind)), "changeit", false})
		}
	}
	return all
}

// outerLayer returns the parts of a PFX behind its version: the element with the safe, and the MAC's, which may be missing.
func outerLayer(data []byte) (content, mac cryptobyte.String) {
	normal, _, err := ber.Normalize(data, 32)
	if err != nil {
		panic(err)
	}
	in, body := cryptobyte.String(normal), cryptobyte.String(nil)
	if !in.ReadASN1(&body, cbasn1.SEQUENCE) || !body.SkipASN1(cbasn1.INTEGER) || !body.ReadASN1Element(&content, cbasn1.SEQUENCE) {
		panic("no PFX")
	}
	return content, body
}

// withoutMAC returns a file less its MAC, so that what is changed in it gets past the check.
func withoutMAC(data []byte) []byte {
	content, _ := outerLayer(data)
	return der(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(3)
			b.AddBytes(content)
		})
	})
}

// safesOf returns the contents of each safe of a file, decrypted.
func safesOf(t testing.TB, s seed) (safes [][]byte) {
	t.Helper()
	d := newDecoder(len(s.data), reading(s.password))
	content, _ := outerLayer(s.data)
	_, wrapped, ok := readContentInfo(&content)
	var octets cryptobyte.String
	require.True(t, ok && wrapped.ReadASN1(&octets, cbasn1.OCTET_STRING))
	list, err := d.layer(octets, "the authenticated safe")
	require.NoError(t, err)
	for !list.Empty() {
		oid, content, ok := readContentInfo(&list)
		require.True(t, ok)
		if oid == oidEncryptedData {
			alg, ciphertext, err := splitEncryptedData(content)
			require.NoError(t, err)
			plain, err := d.openSafe(alg, ciphertext)
			require.NoError(t, err)
			safes = append(safes, plain)
			continue
		}
		require.True(t, content.ReadASN1(&octets, cbasn1.OCTET_STRING))
		safes = append(safes, octets)
	}
	return safes
}

// inFile returns a file whose one safe, which is not encrypted, holds what is given, under a MAC that is right.
func inFile(t testing.TB, safe []byte, password string) []byte {
	t.Helper()
	list := der(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addData(b, safe) })
	})
	sealer, err := pbe.NewSealer(keystore.Secret(password), pbe.Params{Iterations: 1}, seeded())
	require.NoError(t, err)
	mac, err := sealer.MAC(list)
	require.NoError(t, err)
	return der(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(3)
			addData(b, list)
			addMacData(b, mac)
		})
	})
}
