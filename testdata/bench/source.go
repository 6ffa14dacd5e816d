package main

import (
	"fmt"
	"os"
	"os/exec"
)

// sourcePassword protects the stores of the source's workflow in a temporary folder.
const sourcePassword = "password"

// source is the own-CA path of the batch scripts, call by call: genkeys, then cacerts. Where the printed scripts leave
// out what a deployment needs today (DER for PEM, 90 days), they are run as printed: it is their time that counts.
func source(dir, algorithm string) (cost, error) {
	var total cost
	for _, call := range sourceCalls(algorithm) {
		c, err := process(dir, nil, call[0], call[1:]...)
		if err != nil {
			return cost{}, err
		}
		total.add(c)
	}
	return total, nil
}

// sourceCalls lists the commands, their files relative to the folder they run in.
func sourceCalls(algorithm string) [][]string {
	store := func(name string) []string {
		return []string{"-keystore", name + ".jks", "-storetype", "jks", "-storepass", sourcePassword}
	}
	keytool := func(verb string, parts ...[]string) []string {
		call := []string{"keytool", verb}
		if verb != "-certreq" && verb != "-gencert" && verb != "-delete" {
			call = append(call, "-noprompt")
		}
		for _, p := range parts {
			call = append(call, p...)
		}
		return call
	}
	words := func(w ...string) []string { return w }
	size := words("-keyalg", "RSA", "-keysize", "2048")
	if algorithm == "EC" {
		size = words("-keyalg", "EC", "-groupname", "secp256r1")
	}
	dname := func(who string) []string {
		return words("-dname", fmt.Sprintf("CN=mqtt%s.ibm.id.com, OU=ID, O=IBM, L=Hursley, S=Hants, C=GB", who))
	}
	pair := func(alias, who string, more ...string) []string {
		return keytool("-genkeypair", words("-alias", alias), dname(who), store(who), words("-keypass", sourcePassword), size, words("-validity", "5000"), more)
	}
	key := words("-keypass", sourcePassword)
	calls := [][]string{
		pair("cltalias", "client"),
		pair("srvalias", "server"),
		pair("caalias", "ca", "-ext", "bc=ca:true"),
		keytool("-exportcert", words("-rfc", "-alias", "caalias", "-file", "cacert.cer"), store("ca")),
		keytool("-import", words("-alias", "caalias", "-file", "cacert.cer"), store("server")),
		keytool("-import", words("-alias", "caalias", "-file", "cacert.cer"), store("client")),
		keytool("-import", words("-alias", "caalias", "-file", "cacert.cer"), store("trust")),
	}
	for _, who := range []struct{ alias, name string }{{"srvalias", "server"}, {"cltalias", "client"}} {
		calls = append(calls,
			keytool("-certreq", words("-alias", who.alias, "-file", who.name+".csr"), key, store(who.name)),
			keytool("-gencert", words("-infile", who.name+".csr", "-outfile", who.name+".cer", "-alias", "caalias"), key, store("ca")),
			keytool("-import", words("-alias", who.alias, "-file", who.name+".cer"), key, store(who.name)),
		)
	}
	calls = append(calls, keytool("-delete", words("-alias", "caalias"), store("client")))
	for _, name := range []string{"trust", "client"} {
		calls = append(calls,
			words("keytool", "-importkeystore", "-noprompt", "-srckeystore", name+".jks", "-destkeystore", name+".p12",
				"-srcstoretype", "jks", "-deststoretype", "pkcs12", "-srcstorepass", sourcePassword, "-deststorepass", sourcePassword),
			words("openssl", "pkcs12", "-in", name+".p12", "-out", name+".pem", "-passin", "pass:"+sourcePassword, "-passout", "pass:"+sourcePassword),
		)
	}
	return calls
}

// missing names the first program that is not on this machine, "" when all are there.
func missing(programs ...string) string {
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			return p
		}
	}
	return ""
}

// scratch makes a folder for one run. Nothing is deleted between runs: on some file systems a large delete slows what
// follows it; the folders go when the program ends.
func scratch() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "mqttpki-bench-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}
