package ca_test

import (
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/ca"
)

func TestCheckClientName(t *testing.T) {
	const refused = "refused"
	for _, tc := range []struct {
		name string
		want string // "" plain, refused, or the code of a notice that it is accepted with when allowed
	}{
		{"sensor-17", ""}, {"a", ""}, {"7", ""}, {"a.b_c-d", ""}, {strings.Repeat("a", 64), ""},
		{"con", ""}, {"a..b", ""},
		{"_a", "name-unusual"}, {"-a", "name-unusual"}, {".a", "name-unusual"},
		{"a b", "name-blank"}, {"a:b", "name-colon"}, {"a*", "name-wildcard"}, {"100%", "name-percent"},
		{"$SYS", "name-dollar"}, {"a/b", "name-topic"}, {"+", "name-topic"}, {"#", "name-topic"}, {"../../etc", "name-topic"},
		{"..", "name-unusual"}, {"o'neil", "name-quoting"}, {"Zähler", "name-unicode"}, {strings.Repeat("ü", 64), "name-unicode"},
		{"", refused}, {strings.Repeat("a", 65), refused}, {"a\x00b", refused}, {"a\nb", refused}, {"\x7f", refused},
		{"a\xffb", refused}, {" a", refused}, {"a ", refused}, {"a\u200bb", refused}, {"a\u202eb", refused},
		{"u\u0308", refused}, {"a\ufffdb", refused}, {"a\u2028b", refused}, {"\ue000", refused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := ca.CheckClientName(tc.name, false)
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, ca.ErrPolicy)
			notices, err := ca.CheckClientName(tc.name, true)
			if tc.want == refused {
				require.ErrorIs(t, err, ca.ErrPolicy)
				return
			}
			require.NoError(t, err)
			codes := []string{}
			for _, n := range notices {
				codes = append(codes, n.Code)
				assert.True(t, n.Warning)
			}
			assert.Contains(t, codes, tc.want)
		})
	}
}

func TestFileName(t *testing.T) {
	for name, want := range map[string]string{
		"sensor-17": "sensor-17", "a.b": "a.b", "a b": "a%20b", "..": "%2E%2E", ".": "%2E", "../x": "%2E.%2Fx",
		"a/b": "a%2Fb", `a\b`: "a%5Cb", "a:b": "a%3Ab", "a%2Fb": "a%252Fb", "-rf": "%2Drf", "a.": "a%2E", "~": "%7E",
		"CON": "%43ON", "con.txt": "%63on.txt", "com1": "%63om1", "console": "console", "NUL": "%4EUL", "LPT9.x": "%4CPT9.x",
		"*.example.com": "%2A.example.com", "ü": "%C3%BC", "::1": "%3A%3A1", "10.0.0.1": "10.0.0.1",
	} {
		assert.Equal(t, want, ca.FileName(name), name)
	}
}

var safeFile = regexp.MustCompile(`^[A-Za-z0-9_%~][A-Za-z0-9._%~-]*$`)

// FuzzFileName: whatever the name, its file name is one part of a path, short, no device of Windows, and no other
// name's.
func FuzzFileName(f *testing.F) {
	for _, seed := range []string{"a", "../../etc/passwd", "CON", "com1.x", "ü", strings.Repeat("ü", 64), "a.", "-x"} {
		f.Add(seed, "b")
	}
	device := regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)`)
	f.Fuzz(func(t *testing.T, a, b string) {
		if a == "" || len(a) > 1000 {
			return
		}
		got := ca.FileName(a)
		if !safeFile.MatchString(got) || len(got) > 160 || strings.HasSuffix(got, ".") || device.MatchString(got) ||
			filepath.Base(got) != got || !filepath.IsLocal(got) {
			t.Fatalf("FileName(%q) = %q", a, got)
		}
		if a != b && b != "" && got == ca.FileName(b) {
			t.Fatalf("%q and %q share %q", a, b, got)
		}
	})
}

func TestParseSAN(t *testing.T) {
	for text, want := range map[string]string{
		"mqtt.example.com": "dns:mqtt.example.com", "dns:mqtt": "dns:mqtt", "10.0.0.1": "ip:10.0.0.1", "::1": "ip:::1",
		"[2001:DB8::1]": "ip:2001:db8::1", "ip:::ffff:10.0.0.1": "ip:10.0.0.1", "a@example.com": "email:a@example.com",
		"urn:mqttpki:client:x": "uri:urn:mqttpki:client:x", "https://example.com/x": "uri:https://example.com/x",
		"bücher.example": "dns:xn--bcher-kva.example", "*.example.com": "dns:*.example.com", "example.com.": "dns:example.com",
		"DNS:A.example": "dns:A.example", "xn--bcher-kva.example": "dns:xn--bcher-kva.example", "localhost": "dns:localhost",
		"1.example.com": "dns:1.example.com",

		"": "", "a_b": "", "-a.example": "", "a-.example": "", "a..b": "", "*": "", "*.com": "", "a.*.com": "", "*a.example.com": "",
		"**.example.com": "", "1.2.3.4.5": "", "10.0.0.256": "", "fe80::1%eth0": "", "ip:mqtt": "", "dns:a b": "", "xn--a": "",
		"ab--cd.example": "", strings.Repeat("a", 64) + ".example": "", strings.Repeat("a.", 127) + "ab": "", "uri:x": "",
		"uri:http://": "", "uri:http://a_b/": "", "email:a": "", "email:Name <a@example.com>": "", "email:a@b_c": "", "a\x00b": "",
		"xn--\xff": "", "dns:": "", "uri:http://exa mple.com": "", "email:ü@example.com": "",
	} {
		san, err := ca.ParseSAN(text)
		if want == "" {
			assert.ErrorIs(t, err, ca.ErrPolicy, text)
			continue
		}
		require.NoError(t, err, text)
		assert.Equal(t, want, san.String(), text)
	}
}

// FuzzParseSAN: an error is ErrPolicy, and what was read prints as something that is read the same.
func FuzzParseSAN(f *testing.F) {
	for _, seed := range []string{"mqtt.example.com", "::1", "urn:x:y", "a@b.c", "*.b.c", "bücher.example", "ip:1.2.3.4"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		san, err := ca.ParseSAN(text)
		if err != nil {
			if !errors.Is(err, ca.ErrPolicy) {
				t.Fatal(err)
			}
			return
		}
		again, err := ca.ParseSAN(san.String())
		if err != nil || again != san {
			t.Fatalf("%q is %v, which is %v, %v", text, san, again, err)
		}
	})
}

func TestServerSANs(t *testing.T) {
	for name, want := range map[string]string{
		"localhost": "dns:localhost ip:127.0.0.1 ip:::1", "mqtt.example.com": "dns:mqtt.example.com", "broker": "dns:broker",
		"192.168.1.2": "ip:192.168.1.2", "fd00::1": "ip:fd00::1", "[::1]": "ip:::1", "*.example.com": "dns:*.example.com",
		"bücher.example": "dns:xn--bcher-kva.example",
		"main broker":    "", "*": "", "a_b": "",
	} {
		sans, _, err := ca.ServerSANs(name)
		if want == "" {
			assert.ErrorIs(t, err, ca.ErrPolicy, name)
			continue
		}
		require.NoError(t, err, name)
		texts := []string{}
		for _, s := range sans {
			texts = append(texts, s.String())
		}
		assert.Equal(t, want, strings.Join(texts, " "), name)
	}
}

func TestClientSAN(t *testing.T) {
	for name, want := range map[string]string{
		"sensor-17": "dns:sensor-17", "a.example.com": "dns:a.example.com", "sensor_17": "uri:urn:mqttpki:client:sensor_17",
		"10.0.0.1": "uri:urn:mqttpki:client:10.0.0.1", "17": "uri:urn:mqttpki:client:17", "a/b": "uri:urn:mqttpki:client:a%2Fb",
		"a:b": "uri:urn:mqttpki:client:a:b", "ü": "uri:urn:mqttpki:client:%C3%BC", "100%": "uri:urn:mqttpki:client:100%25",
		"a b": "uri:urn:mqttpki:client:a%20b", "?#": "uri:urn:mqttpki:client:%3F%23",
	} {
		san := ca.ClientSAN(name)
		assert.Equal(t, want, san.String(), name)
		parsed, err := ca.ParseSAN(san.String())
		require.NoError(t, err, name)
		assert.Equal(t, san, parsed)
	}
}
