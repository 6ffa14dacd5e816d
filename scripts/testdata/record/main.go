// Command record stands in for a client program that there is no Windows build of here: it adds a line with its name and
// its arguments to the file that the variable RECORD names. An argument that is a PEM file which has just been made is
// shown as the kinds of its blocks.
package main

import (
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	words := []string{strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")}
	for _, arg := range os.Args[1:] {
		if filepath.Base(arg) == "client.pem" {
			arg = "<" + blocks(arg) + ">"
		}
		words = append(words, arg)
	}
	f, err := os.OpenFile(os.Getenv("RECORD"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(f, strings.Join(words, "|"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func blocks(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	var kinds []string
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		kinds = append(kinds, block.Type)
	}
	return strings.Join(kinds, "+")
}
