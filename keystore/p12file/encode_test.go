package p12file

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/mqttpki/mqttpki/keystore"
)

// TestRoundTrip writes and reads every profile with every password that spelling makes difficult.
func TestRoundTrip(t *testing.T) {
	s := bigStore(t, true)
	for _, profile := range []string{"", ProfileModern, ProfileLegacy, ProfilePBMAC1} {
		for _, pw := range []string{"changeit", "", "pässwörd€", "emoji😀", "\xff\xfe not UTF-8"} {
			t.Run(fmt.Sprintf("%s %q", profile, pw), func(t *testing.T) {
				opts := fast(profile)
				opts.Password = keystore.Secret(pw)
				data, fitted := write(t, s, opts)
				assert.True(t, Codec{}.Sniff(data))
				got, err := Codec{}.Decode(data, reading(pw))
				require.NoError(t, err)
				requireSame(t, fitted, got)
				assert.Equal(t, keystore.IntegrityVerified, got.Integrity)
				assert.Empty(t, got.Problems)

				opts.Random = seeded()
				again, err := Codec{}.Encode(fitted, opts)
				require.NoError(t, err)
				assert.Equal(t, data, again, "the same random bytes give the same file")

				_, err = Codec{}.Decode(data, reading("wrong"))
				assert.ErrorIs(t, err, keystore.ErrPassword)
			})
		}
	}
}

func TestPasswordlessTrust(t *testing.T) {
	s := bigStore(t, false)
	opts := fast(ProfilePasswordlessTrust)
	fitted, changes, err := Codec{}.Fit(s, opts)
	require.NoError(t, err)
	assert.Empty(t, fitted.Identities)
	assert.Len(t, fitted.Anchors, 2)
	lost := 0
	for _, c := range changes {
		if c.Kind == keystore.ChangeLost {
			lost++
		}
	}
	assert.Equal(t, 3, lost, "every key is lost, and said to be: %v", changes)
	data, err := Codec{}.Encode(fitted, opts)
	require.NoError(t, err)
	for _, pw := range []keystore.Secret{nil, {}, testPassword} {
		got, err := Codec{}.Decode(data, keystore.DecodeOptions{Password: pw})
		require.NoError(t, err)
		requireSame(t, fitted, got)
		assert.Equal(t, keystore.IntegrityAbsent, got.Integrity)
	}
}

func TestWithoutPasswordNoKeys(t *testing.T) {
	s := bigStore(t, false)
	opts := fast("")
	opts.Password = nil
	_, _, err := Codec{}.Fit(s, opts)
	require.Error(t, err)
	_, err = Codec{}.Encode(s, opts)
	require.Error(t, err)
	s.Identities = nil
	_, fitted := write(t, s, opts)
	assert.Len(t, fitted.Anchors, 2, "certificates need no password")
}

func TestFitNames(t *testing.T) {
	leaf := func(name string) *holder { return issue(t, name, newKey(t), nil, false) }
	s := &keystore.Store{
		Identities: []keystore.Identity{identity(t, "Dup", leaf("a")), identity(t, "dup", leaf("b")), identity(t, "", leaf("c")), identity(t, "1", leaf("d"))},
		Anchors:    []keystore.Anchor{{Alias: "DUP", Certificate: leaf("e").cert}, {Certificate: leaf("f").cert}, {Alias: "nul\x00", Certificate: leaf("g").cert}},
		Others:     []keystore.Other{{Kind: keystore.KindCRL, Alias: "crl"}, {Kind: keystore.KindSecret}},
	}
	fitted, changes, err := Codec{}.Fit(s, fast(""))
	require.NoError(t, err)
	assert.Equal(t, "key Dup CN=a; key dup-2 CN=b; key 2 CN=c; key 1 CN=d; trusted DUP-3 CN=e; trusted 3 CN=f; trusted nul CN=g; ", outline(fitted))
	var kinds []string
	for _, c := range changes {
		kinds = append(kinds, fmt.Sprintf("%s %s>%s", c.Kind, c.Entry, c.To))
	}
	for _, want := range []string{"renamed dup>dup-2", "renamed CN=c>2", "renamed DUP>DUP-3", "renamed CN=f>3", "renamed nul\x00>nul", "lost crl>", "lost secret>"} {
		assert.Contains(t, kinds, want)
	}
	assert.NotContains(t, kinds, "renamed 1>1-2", "no entry without a name takes that of another")
	assert.Equal(t, "Dup", s.Identities[0].Alias, "the store given stays as it is")
	again, changes, err := Codec{}.Fit(fitted, fast(""))
	require.NoError(t, err)
	requireSame(t, fitted, again)
	assert.Empty(t, changes, "what fits stays as it is")
}

// TestFitLongNames keeps what is made of two equal names of the full length to that length.
func TestFitLongNames(t *testing.T) {
	long := strings.Repeat("ä", 127) + "x"
	leaf := func(name string) keystore.Certificate { return issue(t, name, newKey(t), nil, false).cert }
	s := &keystore.Store{Anchors: []keystore.Anchor{{Alias: long, Certificate: leaf("a")}, {Alias: long, Certificate: leaf("b")}, {Alias: long + "y", Certificate: leaf("c")}}}
	fitted, _, err := Codec{}.Fit(s, fast(""))
	require.NoError(t, err)
	assert.Equal(t, []string{long, strings.Repeat("ä", 126) + "-2", strings.Repeat("ä", 126) + "-3"},
		[]string{fitted.Anchors[0].Alias, fitted.Anchors[1].Alias, fitted.Anchors[2].Alias})
	again, changes, err := Codec{}.Fit(fitted, fast(""))
	require.NoError(t, err)
	requireSame(t, fitted, again)
	assert.Empty(t, changes)
}

func TestFitDates(t *testing.T) {
	leaf := func(name string) *holder { return issue(t, name, newKey(t), nil, false) }
	s := &keystore.Store{Identities: []keystore.Identity{identity(t, "a", leaf("a")), identity(t, "b", leaf("b")), identity(t, "c", leaf("c"))}}
	s.Identities[1].Created = time.Time{}
	s.Identities[2].Created = testTime.Add(time.Hour + 5*time.Microsecond)
	data, _ := write(t, s, fast(""))
	got, err := Codec{}.Decode(data, reading("changeit"))
	require.NoError(t, err)
	assert.Equal(t, testTime, got.Identities[0].Created)
	assert.Equal(t, testTime.Add(time.Millisecond), got.Identities[1].Created, "each is another, as localKeyIDs must be")
	assert.Equal(t, testTime.Add(time.Hour), got.Identities[2].Created)
}

// TestFitPairs keeps a certificate apart that is not the key's, and says so.
func TestFitPairs(t *testing.T) {
	a, b := issue(t, "a", newKey(t), nil, false), issue(t, "b", newKey(t), nil, false)
	id := identity(t, "a", a)
	id.Chain = []keystore.Certificate{b.cert}
	fitted, changes, err := Codec{}.Fit(&keystore.Store{Identities: []keystore.Identity{id}}, fast(""))
	require.NoError(t, err)
	assert.Empty(t, fitted.Identities[0].Chain)
	assert.Len(t, fitted.Loose, 1)
	require.Len(t, changes, 1)
	assert.Equal(t, keystore.ChangeLost, changes[0].Kind)
}

// TestFitCompletesChains lets a chain find its issuer among the loose certificates, as every reader would.
func TestFitCompletesChains(t *testing.T) {
	root := issue(t, "root", newKey(t), nil, true)
	leaf := issue(t, "leaf", newKey(t), root, false)
	s := &keystore.Store{Identities: []keystore.Identity{identity(t, "leaf", leaf)}, Loose: []keystore.Anchor{{Certificate: root.cert}}}
	_, fitted := write(t, s, fast(""))
	assert.Equal(t, "key leaf CN=leaf CN=root; ", outline(fitted))
	s.Loose, s.Anchors = nil, []keystore.Anchor{{Alias: "root", Certificate: root.cert}}
	_, fitted = write(t, s, fast(""))
	assert.Equal(t, "key leaf CN=leaf; trusted root CN=root; ", outline(fitted), "a trusted certificate is not part of a chain")
}

func TestFitLocked(t *testing.T) {
	a := issue(t, "a", newKey(t), nil, false)
	id := identity(t, "a", a)
	id.Key, id.Locked = nil, keystore.ErrPassword
	fitted, changes, err := Codec{}.Fit(&keystore.Store{Identities: []keystore.Identity{id}}, fast(""))
	require.NoError(t, err)
	assert.Equal(t, "loose  CN=a; ", outline(fitted))
	require.Len(t, changes, 1)
	assert.Equal(t, keystore.ChangeLost, changes[0].Kind)
}

func TestFitNotesPasswords(t *testing.T) {
	s := bigStore(t, false)
	s.Anchors[0].Created = testTime
	opts := fast("")
	opts.Password, opts.KeyPassword = keystore.Secret("ü"), keystore.Secret("other")
	_, changes, err := Codec{}.Fit(s, opts)
	require.NoError(t, err)
	var whys []string
	for _, c := range changes {
		if c.Kind == keystore.ChangeNoted {
			whys = append(whys, c.Why)
		}
	}
	for _, want := range []string{"one password", "not ASCII", "no date"} {
		assert.True(t, slices.ContainsFunc(whys, func(s string) bool { return strings.Contains(s, want) }), "%q in %q", want, whys)
	}
}

func TestEncodeRefuses(t *testing.T) {
	good := bigStore(t, false)
	for name, change := range map[string]func(*keystore.Store, *keystore.EncodeOptions){
		"other entries":       func(s *keystore.Store, _ *keystore.EncodeOptions) { s.Others = []keystore.Other{{}} },
		"a locked key":        func(s *keystore.Store, _ *keystore.EncodeOptions) { s.Identities[0].Key = nil },
		"a date that is lost": func(s *keystore.Store, _ *keystore.EncodeOptions) { s.Anchors[0].Created = testTime },
		"an unknown profile":  func(_ *keystore.Store, o *keystore.EncodeOptions) { o.Profile = "best" },
		"too many iterations": func(_ *keystore.Store, o *keystore.EncodeOptions) { o.Iterations = 5_000_001 },
		"negative iterations": func(_ *keystore.Store, o *keystore.EncodeOptions) { o.Iterations = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			opts := fast("")
			s, _, err := Codec{}.Fit(good, opts)
			require.NoError(t, err)
			change(s, &opts)
			_, err = Codec{}.Encode(s, opts)
			require.Error(t, err)
		})
	}
}

// TestAttributes looks at what is written beside keys and certificates, as other readers need it: the alias on key and leaf,
// one unique id on both and on nothing else, Java's mark on what is trusted, no count where it is DER's default.
func TestAttributes(t *testing.T) {
	opts := fast("")
	opts.Iterations = 1
	data, fitted := write(t, bigStore(t, true), opts)
	d := newDecoder(len(data), reading(string(testPassword)))
	_, err := d.decode(data)
	require.NoError(t, err)
	ids := map[string]int{}
	for i, k := range d.keys {
		assert.Equal(t, fitted.Identities[i].Alias, k.name)
		assert.Regexp(t, `^Time \d+$`, k.id, "what Java reads as the date")
		assert.Zero(t, ids[k.id], "ids are unique")
		ids[k.id]++
	}
	for _, c := range d.certs {
		leaf := slices.IndexFunc(d.keys, func(k keyEntry) bool { return k.key.PublicID() == c.cert.PublicID() })
		switch {
		case leaf >= 0:
			assert.Equal(t, d.keys[leaf].attributes, c.attributes)
		case c.trusted:
			assert.NotEmpty(t, c.name)
			assert.Empty(t, c.id)
		default:
			assert.Empty(t, c.id, "NSS takes a certificate with an id for a key's")
		}
	}
	_, mac := outerLayer(data)
	var body cryptobyte.String
	require.True(t, mac.ReadASN1(&body, cbasn1.SEQUENCE) && body.SkipASN1(cbasn1.SEQUENCE) && body.SkipASN1(cbasn1.OCTET_STRING))
	assert.True(t, body.Empty(), "no count of 1")
}

// TestOutputIsDER walks through a file that hides nothing: its lengths and the order of its sets are DER's.
func TestOutputIsDER(t *testing.T) {
	s := &keystore.Store{}
	for _, alias := range []string{"a", "abc", "abcd", "a name that is longer than the others"} {
		s.Anchors = append(s.Anchors, keystore.Anchor{Alias: alias, Certificate: issue(t, alias, newKey(t), nil, true).cert})
	}
	data, _ := write(t, s, fast(ProfilePasswordlessTrust))
	sets := 0
	var walk func(cryptobyte.String)
	walk = func(in cryptobyte.String) {
		for !in.Empty() {
			var element, content cryptobyte.String
			var tag cbasn1.Tag
			require.True(t, in.ReadAnyASN1Element(&element, &tag), "DER")
			require.True(t, element.ReadASN1(&content, tag))
			switch {
			case tag == cbasn1.SET:
				sets++
				var last []byte
				for members := content; !members.Empty(); {
					var member cryptobyte.String
					require.True(t, members.ReadAnyASN1Element(&member, &tag))
					assert.Negative(t, bytes.Compare(last, member), "the members of a set are in order")
					last = member
				}
				walk(content)
			case tag == cbasn1.OCTET_STRING && len(content) > 0 && content[0] == 0x30, tag&0x20 != 0:
				walk(content)
			}
		}
	}
	walk(data)
	assert.Equal(t, 4*(3+2), sets, "for each certificate: attributes, two times values, two names")
}
