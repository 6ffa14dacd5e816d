package cli

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestErrorKindsAreDocumented: docs/json.md and docs/cli.md name the kind of every error.
func TestErrorKindsAreDocumented(t *testing.T) {
	for _, page := range []struct{ file, row string }{
		{"json.md", "(?m)^\\| `error.kind` \\| usage,.*$"},
		{"cli.md", "(?s)## Exit codes.*?\n\n##"},
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", page.file))
		require.NoError(t, err)
		row := regexp.MustCompile(page.row).FindString(string(text))
		for _, o := range outcomes {
			assert.Regexp(t, `\b`+o.name+`\b`, row, "%s says nothing of %s", page.file, o.name)
		}
	}
}

// TestJSONIsDocumented: docs/json.md has every field of the documents below, and no other. A command that gains a
// document gains a line here and a section there.
func TestJSONIsDocumented(t *testing.T) {
	for _, tc := range []struct {
		schema string
		docs   []any // one for each form the document has
	}{
		{"mqttpki.inspect/1", []any{inspection{}}},
		{"mqttpki.convert/1", []any{conversion{}, conversions{}}},
		{"mqttpki.init-ca/1", []any{initReport{}}},
		{"mqttpki.issue/1", []any{productReport{}}},
		{"mqttpki.revoke/1", []any{revokeReport{}}},
		{"mqttpki.crl/1", []any{crlReport{}}},
		{"mqttpki.csr-new/1", []any{csrReport{}}},
		{"mqttpki.list/1", []any{listReport{}, listLine{}}},
		{"mqttpki.status/1", []any{statusReport{}}},
		{"mqttpki.check/1", []any{checkReport{}}},
		{"mqttpki.export/1", []any{exportReport{}}},
		{"mqttpki.clean/1", []any{cleanReport{}}},
		{"mqttpki.channels-init/1", []any{channelsInitReport{}}},
		{"mqttpki.channels-user/1", []any{channelsUserReport{}}},
		{"mqttpki.channels-list/1", []any{channelsListReport{}}},
		{"mqttpki.channels-check/1", []any{channelsCheckReport{}}},
		{"mqttpki.channels-emit/1", []any{channelsEmitReport{}}},
		{"mqttpki.channels-user-list/1", []any{channelsUserListReport{}}},
		{"mqttpki.verify/1", []any{verifyDoc{}}},
		{"mqttpki.quickstart/1", []any{quickstartDoc{}}},
		{"mqttpki.ibm/1", []any{ibmReport{}}},
		{"mqttpki.version/1", []any{versionReport{}}},
	} {
		t.Run(tc.schema, func(t *testing.T) {
			want := map[string]bool{}
			for _, doc := range tc.docs {
				fieldPaths(reflect.TypeOf(doc), "", want)
			}
			for path := range want { // what one conversion has is not said again of each of many
				if _, one, many := strings.Cut(path, "conversions[]."); many && want[one] {
					delete(want, path)
				}
			}
			got := documentedPaths(t, tc.schema)
			for path := range want {
				assert.True(t, got[path], "docs/json.md says nothing of %s", path)
			}
			for path := range got {
				assert.True(t, want[path], "docs/json.md speaks of %s, which is not there", path)
			}
		})
	}
}

// fieldPaths collects the paths of a type's JSON fields: "files[].entries[].alias".
func fieldPaths(t reflect.Type, prefix string, paths map[string]bool) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		inner, path := field.Type, prefix+name
		if field.Anonymous && name == "" {
			fieldPaths(inner, prefix, paths)
			continue
		}
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			if inner.Kind() == reflect.Slice {
				path += "[]"
			}
			inner = inner.Elem()
		}
		paths[path] = true
		if inner.Kind() == reflect.Struct && inner != reflect.TypeFor[time.Time]() && !strings.Contains(prefix, path+".") {
			fieldPaths(inner, path+".", paths)
		}
	}
}

// fieldRow is a row of a table of fields: the path in backquotes comes first.
var fieldRow = regexp.MustCompile("(?m)^\\| `([a-z0-9_.\\[\\]]+)` \\|")

// documentedPaths reads the fields of one schema's section.
func documentedPaths(t *testing.T, schema string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "json.md"))
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "`"+schema+"`\n")
	require.True(t, found, "docs/json.md has no section that begins with `%s`", schema)
	section, _, _ = strings.Cut(section, "\n## ")
	paths := map[string]bool{}
	for _, row := range fieldRow.FindAllStringSubmatch(section, -1) {
		paths[row[1]] = true
	}
	return paths
}
