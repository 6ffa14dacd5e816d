package cli

import (
	"crypto/x509"
	"encoding/pem"
	"path/filepath"
	"strings"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/channels/targets"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/formats"
)

// targetMaterial is the deployment as targets take it. modelFile is the model as it stands on disk.
func (d *deps) targetMaterial(x *deployment, modelFile []byte) targets.Material {
	mat := targets.Material{
		ModelFile: modelFile, Server: x.server, Random: d.random, Now: d.now(),
		Codec: func(name string) keystore.Codec {
			codec, err := formats.ByName(name)
			if err != nil {
				return nil
			}
			return codec
		},
	}
	if x.model.Server != "" {
		mat.ServerName = filepath.Base(ca.FilesOf(ca.RoleServer, x.model.Server).Dir)
	}
	if x.users != nil {
		mat.Users = x.users.Bytes()
	}
	for _, t := range x.trust {
		one := targets.TrustMaterial{Anchors: storeCertificates(t.anchors), Intermediates: storeCertificates(t.intermediates)}
		for _, file := range t.crls {
			one.CRLs = append(one.CRLs, crlsIn(file.data)...)
		}
		mat.Trust = append(mat.Trust, one)
	}
	return mat
}

// storeCertificates turns certificates into those of the key stores.
func storeCertificates(certs []*x509.Certificate) []keystore.Certificate {
	var list []keystore.Certificate
	for _, c := range certs {
		list = append(list, keystore.Certificate{Raw: c.Raw, X509: c})
	}
	return list
}

// crlsIn returns the CRLs of a PEM file, or the one that a DER file is.
func crlsIn(data []byte) [][]byte {
	if !strings.Contains(string(data), "-----BEGIN") {
		return [][]byte{data}
	}
	var list [][]byte
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			return list
		}
		if block.Type == "X509 CRL" {
			list = append(list, block.Bytes)
		}
		data = rest
	}
}
