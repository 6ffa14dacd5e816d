package ibm

import (
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/jksfile"
	"github.com/mqttpki/mqttpki/keystore/p12file"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
)

// The formats of the scripts' files. A file that is called .jks is written as one.
var (
	jksCodec = jksfile.Codec{}
	p12Codec = p12file.Codec{}
	pemCodec = pemfile.Codec{}
)

// detect returns the codec for a key store that was found. Since Java 9 keytool has made PKCS12 of what it was told to
// call .jks; what is neither is left to the JKS reader to refuse.
func detect(data []byte) keystore.Codec {
	if p12Codec.Sniff(data) {
		return p12Codec
	}
	return jksCodec
}
