package p12file

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pbe"
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
	strictCert struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	strictKey struct { // RFC 5958 with its two optional parts, which the RFC's first edition has none or one of
		Version    int
		Algorithm  pkix.AlgorithmIdentifier
		Key        []byte
		Attributes asn1.RawValue `asn1:"optional,tag:0"`
		Public     asn1.RawValue `asn1:"optional,tag:1"`
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

// strictFile reports whether a file is well formed, inside what the password opens as well.
func strictFile(data []byte, pw keystore.Secret) bool {
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
			if !strictSafe(plain.Content, pw) {
				return false
			}
		case !fits(one.FullBytes, &sealed):
			return false
		default:
			info := sealed.Content.Info
			if safe, ok := strictOpen(strictInfo{info.Algorithm, info.Content}, pw); !ok || safe != nil && !strictSafe(safe, pw) {
				return false
			}
		}
	}
	return true
}

// strictSafe is strictFile for the bags of one safe.
func strictSafe(data []byte, pw keystore.Secret) bool {
	var bags []strictBag
	if !fits(data, &bags) {
		return false
	}
	for _, bag := range bags {
		if bag.Value.Class != asn1.ClassContextSpecific || bag.Value.Tag != 0 || !strictValue(bag.ID.String(), bag.Value.Bytes, pw) {
			return false
		}
	}
	return true
}

// strictValue is strictFile for what lies in one bag.
func strictValue(kind string, value []byte, pw keystore.Secret) bool {
	var info strictInfo
	var typed strictData
	var cert strictCert
	switch kind {
	case oidKeyBag:
		return strictPrivate(value)
	case oidShroudedBag:
		if !fits(value, &info) {
			return false
		}
		key, ok := strictOpen(info, pw)
		return ok && (key == nil || strictPrivate(key))
	case oidCertBag:
		return fits(value, &typed) && fits(typed.Content, &cert)
	case oidCRLBag, oidSecretBag:
		return fits(value, &typed)
	}
	return true
}

// strictPrivate is strictFile for a private key.
func strictPrivate(der []byte) bool {
	var key strictKey
	return fits(der, &key) && (key.Version == 0 || key.Version == 1)
}

// strictOpen decrypts what the password opens, and reports whether the parameters are well formed.
func strictOpen(info strictInfo, pw keystore.Secret) ([]byte, bool) {
	if !strictParameters(info.Algorithm) {
		return nil, false
	}
	alg, err := asn1.Marshal(info.Algorithm)
	if err != nil {
		return nil, false
	}
	plain, _, err := pbe.NewOpener(pw, pbe.NewBudget(small, len(info.Ciphertext), 1)).Open(alg, info.Ciphertext)
	if err != nil {
		return nil, true
	}
	return plain, true
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
		assert.True(t, strictFile(data, testPassword), profile)
		assert.False(t, strictFile(toBER(data), testPassword))
		data[10] ^= 0x40
		assert.False(t, strictFile(data, testPassword))
	}
}
