package check

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// otherwise are the cases in which openssl verify gives another answer, and why that is right for us.
var otherwise = map[string]string{
	"the common name is no host":       "openssl falls back to the common name only without any DNS name, so it agrees; Go never does",
	"a forged CRL":                     "openssl takes the first CRL of the issuer's name, good or not; a forged one must not keep a good one from counting",
	"revoked on one of two":            "openssl looks at one CRL of an issuer; on any valid one is revoked",
	"a CRL for some certificates only": "openssl reads issuingDistributionPoint; we refuse what may not be the whole list",
	"an old CRL beside a good one":     "openssl looks at one CRL of an issuer, by the order of the file",
}

// TestOpenSSLAgrees asks openssl verify about the same chains.
func TestOpenSSLAgrees(t *testing.T) {
	openssl := interop.Need(t, "openssl")
	for _, tc := range chainCases(t) {
		readable := len(tc.chain) > 0 && tc.chain[0].X509 != nil && len(tc.opts.Anchors) > 0
		if !readable || otherwise[tc.name] != "" {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			args := []string{"verify", "-partial_chain", "-no-CApath", "-no-CAstore",
				"-attime", strconv.FormatInt(tc.opts.At.Unix(), 10),
				"-CAfile", writePEM(t, dir, "anchors", tc.opts.Anchors)}
			if len(tc.chain) > 1 {
				args = append(args, "-untrusted", writePEM(t, dir, "rest", tc.chain[1:]))
			}
			if tc.opts.Purpose != AnyPurpose {
				args = append(args, "-purpose", "ssl"+string(tc.opts.Purpose))
			}
			switch tc.opts.Host {
			case "":
			case "127.0.0.1":
				args = append(args, "-verify_ip", tc.opts.Host)
			default:
				args = append(args, "-verify_hostname", tc.opts.Host)
			}
			if len(tc.opts.CRLs) > 0 {
				args = append(args, "-crl_check", "-CRLfile", writeCRLs(t, dir, tc.opts))
				if crlOf(tc.opts, tc.chain) {
					args = append(args, "-crl_check_all")
				}
			}
			out, err := interop.Try(t, dir, openssl, append(args, writePEM(t, dir, "leaf", tc.chain[:1]))...)
			assert.Equal(t, tc.want == "", err == nil, "we say %q; openssl says:\n%s", tc.want, out)
		})
	}
}

// crlOf reports whether every issuer of the chain has a CRL: openssl can look up the leaf alone or all of them.
func crlOf(o Options, chain []keystore.Certificate) bool {
	issuers := map[string]bool{}
	for _, list := range o.CRLs {
		issuers[string(list.RawIssuer)] = true
	}
	for _, c := range chain {
		if !issuers[string(c.X509.RawIssuer)] {
			return false
		}
	}
	return true
}

func writePEM(t *testing.T, dir, name string, certs []keystore.Certificate) string {
	t.Helper()
	var data []byte
	for _, c := range certs {
		data = append(data, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	path := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

func writeCRLs(t *testing.T, dir string, o Options) string {
	t.Helper()
	var data []byte
	for _, list := range o.CRLs {
		data = append(data, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: list.Raw})...)
	}
	path := filepath.Join(dir, "crls")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}
