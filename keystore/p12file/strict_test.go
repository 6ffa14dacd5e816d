package p12file

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The structures of RFC 7292 and RFC 8018 for encoding/asn1: the standard library's opinion of what is well formed. What
// go-pkcs12 makes of a file that is not, by looking at few tags, is no measure for us.
type (
	strictData struct {
		Type    asn1.ObjectIdentifier
		Content []byte `asn1:"explicit,tag:0"`
	}
	strictEncrypted struct {
		Type    asn1.ObjectIdentifier
		Content struct {
			Version int
			Info    struct {
				Type      asn1.ObjectIdentifier
				Algorithm pkix.AlgorithmIdentifier
				Content   []byte `asn1:"tag:0"`
			}
		} `asn1:"explicit,tag:0"`
	}
	strictMAC struct {
		Mac struct {
			Algorithm pkix.AlgorithmIdentifier
			Digest    []byte
		}
		Salt       []byte
		Iterations int `asn1:"optional,default:1"`
	}
	strictPFX struct {
		Version int
		Safe    strictData
		MAC     strictMAC
	}
	strictOpenPFX struct { // without a MAC
		Version int
		Safe    strictData
	}
	strictAttribute struct {
		ID     asn1.ObjectIdentifier
		Values []asn1.RawValue `asn1:"set"`
	}
	strictBag struct {
		ID         asn1.ObjectIdentifier
		Value      asn1.RawValue
		Attributes []strictAttribute `asn1:"set,optional"`
	}
	strictInfo struct {
		Algorithm  pkix.AlgorithmIdentifier
		Ciphertext []byte
	}
	strictPBES1  struct{ Salt, Iterations asn1.RawValue }
	strictPBES2  struct{ KDF, Cipher pkix.AlgorithmIdentifier }
	strictPBKDF2 struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

// fits reports whether der is exactly what the standard library writes for a structure, and reads it.
func fits[T any](der []byte, into *T) bool {
	rest, err := asn1.Unmarshal(der, into)
	if err != nil || len(rest) > 0 {
		return false
	}
	again, err := asn1.Marshal(*into)
	return err == nil && bytes.Equal(der, again)
}

// strictFile reports whether a file is well formed as far as it is not encrypted.
func strictFile(data []byte) bool {
	var p strictPFX
	var open strictOpenPFX
	var list []asn1.RawValue
	switch {
	case fits(data, &open):
		p = strictPFX{Version: open.Version, Safe: open.Safe}
	case !fits(data, &p) || !strictParameters(p.MAC.Mac.Algorithm):
		return false
	}
	if !fits(p.Safe.Content, &list) {
		return false
	}
	for _, one := range list {
		var plain strictData
		var sealed strictEncrypted
		switch {
		case fits(one.FullBytes, &plain):
			if !strictSafe(plain.Content) {
				return false
			}
		case !fits(one.FullBytes, &sealed) || !strictParameters(sealed.Content.Info.Algorithm):
			return false
		}
	}
	return true
}

// strictSafe is strictFile for the bags of one safe.
func strictSafe(data []byte) bool {
	var bags []strictBag
	if !fits(data, &bags) {
		return false
	}
	for _, bag := range bags {
		if bag.Value.Class != asn1.ClassContextSpecific || bag.Value.Tag != 0 {
			return false
		}
		var info strictInfo
		var typed strictData
		switch bag.ID.String() {
		case oidShroudedBag:
			if !fits(bag.Value.Bytes, &info) || !strictParameters(info.Algorithm) {
				return false
			}
		case oidCertBag, oidCRLBag, oidSecretBag:
			if !fits(bag.Value.Bytes, &typed) {
				return false
			}
		}
	}
	return true
}

// strictParameters is strictFile for the algorithms whose parameters have a form that go-pkcs12 knows.
func strictParameters(a pkix.AlgorithmIdentifier) bool {
	var iv []byte
	var null asn1.RawValue
	var old strictPBES1
	var scheme strictPBES2
	var kdf strictPBKDF2
	params := a.Parameters.FullBytes
	switch {
	case len(params) == 0, fits(params, &null) && null.Tag == asn1.TagNull:
		return true
	case fits(params, &scheme): // of PBES2 and PBMAC1
		return fits(scheme.KDF.Parameters.FullBytes, &kdf) && strictParameters(kdf.PRF) && strictParameters(scheme.Cipher)
	case fits(params, &old):
		return old.Salt.Tag == asn1.TagOctetString && old.Iterations.Tag == asn1.TagInteger
	}
	return fits(params, &iv)
}

func TestStrictFile(t *testing.T) {
	for _, profile := range Profiles() {
		data, _ := write(t, bigStore(t, true), fast(profile))
		assert.True(t, strictFile(data), profile)
		assert.False(t, strictFile(toBER(data)))
		data[10] ^= 0x40
		assert.False(t, strictFile(data))
	}
}
