package matrix

import (
	"path/filepath"
	"testing"

	"github.com/mqttpki/mqttpki/testdata/interop"
)

// pythonVersion is the release of cryptography that .ci/libraries fetches beside the system's.
const pythonVersion = "50.0.2"

// findPythonSystem is the cryptography that a distribution has.
func findPythonSystem(t *testing.T, _ *material) *program {
	h := &helper{path: interop.Python(t, "cryptography"), args: []string{programs(t, "cryptography_files.py")}}
	return pythonProgram(h, pythonSystem, "Python's cryptography (Debian's package)")
}

// findPythonNew is the cryptography of PyPI.
func findPythonNew(t *testing.T, _ *material) *program {
	h := &helper{path: interop.Python(t, "cryptography"), args: []string{programs(t, "cryptography_files.py")},
		env: []string{"PYTHONPATH=" + interop.Wheel(t, "cryptography", pythonVersion)}}
	return pythonProgram(h, pythonNew, "Python's cryptography (PyPI)")
}

func pythonProgram(h *helper, name, what string) *program {
	return &program{
		name: name, what: what, how: "`load_pkcs12`, `load_pem_private_key`, `load_pem_pkcs7_certificates` and their like",
		version: func(*testing.T) string { return h.says },
		write:   h.write,
		read: h.read(func(r *row) string {
			switch {
			case r.format == fmtPKCS12:
				return "PKCS12"
			case r.format == fmtPKCS7 && r.is(traitDER):
				return "PKCS7-DER"
			case r.format == fmtPKCS7:
				return "PKCS7"
			case r.is(traitDER):
				return "DER"
			}
			return "PEM"
		}),
		shows: map[string]shows{fmtPKCS12: flatNamed, fmtPEM: flat, fmtCerts: flat, fmtPKCS7: flat},
	}
}

// findNode is what Node.js has of its own.
func findNode(t *testing.T, m *material) *program {
	h := &helper{path: interop.Need(t, "node"), args: []string{programs(t, "node.js")},
		env: []string{"NODE_EXTRA_CA_CERTS=" + filepath.Join(m.dir, "roots")}}
	return &program{
		name: node, what: "Node.js", how: "PKCS12: a TLS handshake with `tls.createSecureContext`, in which the chain has to reach its root; else `createPrivateKey`, `X509Certificate`",
		version: func(*testing.T) string { return h.says },
		write:   h.write,
		read: h.read(func(r *row) string {
			switch {
			case r.format == fmtPKCS12:
				return "PKCS12"
			case r.is(traitDER):
				return "DER"
			}
			return "PEM"
		}),
		shows: map[string]shows{fmtPKCS12: {}, fmtPEM: flat, fmtCerts: flat},
	}
}

// findForge is the PKCS12 library of JavaScript programs.
func findForge(t *testing.T, _ *material) *program {
	h := &helper{path: interop.Need(t, "node"), args: []string{programs(t, "forge.js")},
		env: []string{"NODE_PATH=" + interop.NodeModule(t, "node-forge")}}
	return &program{
		name: forge, what: "node-forge (npm)", how: "`pkcs12FromAsn1`, `decryptRsaPrivateKey` and their like",
		version: func(*testing.T) string { return h.says },
		write:   h.write,
		read: h.read(func(r *row) string {
			if r.format == fmtPKCS12 {
				return "PKCS12"
			}
			return "PEM"
		}),
		shows: map[string]shows{fmtPKCS12: flatNamed, fmtPEM: flat},
	}
}
