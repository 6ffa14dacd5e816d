package inspect

// The brokers whose key stores people convert most. Those written in Java read as the Java does that runs them.
var brokerPrograms = []program{
	{"Mosquitto", "2.0", "measured with mosquitto 2.0.11; mosquitto.conf(5)", map[string]knowledge{
		"pem": {
			algorithms: opensslText.algorithms,
			refuses: with(opensslPairs, each("its key cannot sign, which TLS wants", agreement), map[string]string{
				leafNotFirst: leafMustBeFirst,
				smallKey:     "its OpenSSL refuses RSA keys of fewer than 2048 bits and EC keys of fewer than 224, in issuers too",
				weaklySigned: "its OpenSSL refuses certificates that are signed with SHA-1 or MD5, issuers too",
			}),
			needs: with(each("the legacy provider in openssl.cnf", opensslLegacy), map[string]string{
				encryptedKey: "it asks for the key's password on the terminal at each start, and fails where there is none",
			}),
		},
	}, "it reads PEM only", nil},
	{"IBM MQ MQXR", "7.5", "IBM MQ Telemetry documentation, key repositories of MQTT channels; PKCS12 as Java 8",
		map[string]knowledge{"jks": mqxrStores, "jceks": mqxrStores, "p12": mqxrPKCS12},
		"it reads Java key stores only", map[string]string{".p12": "p12", ".pkcs12": "p12", ".jceks": "jceks", "": "jks"}},
	{"HiveMQ", "CE", "HiveMQ CE's SslUtil.java and ListenerConfigurator.java (key store type JKS); their calls measured with OpenJDK 17.0.15",
		map[string]knowledge{"jks": {keys: javaKeys, refuses: javaStores}, "p12": java17},
		"it reads JKS, and PKCS12 under that name", nil},
}

// mqxrStores is what Java 8 makes of JKS, and of JCEKS when it is told that it is.
var mqxrStores = knowledge{refuses: with(javaStores, noEdDSA)}

// mqxrPKCS12 is Java 8's, with the advice that fits a Java that comes with the product.
var mqxrPKCS12 = func() knowledge {
	k := javaPrograms[0].formats["p12"]
	k.needs = each("an IBM MQ whose Java is 8u301 (7u311) or newer, July 2021", java2021)
	return k
}()
