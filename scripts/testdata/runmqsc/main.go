// Command runmqsc stands in for IBM MQ's: it echoes its input, as the real one does, and keeps it with the name of the
// queue manager in the file that the variable RUNMQSC_SEEN names. For a queue manager called REFUSED it fails.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	input, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = os.WriteFile(os.Getenv("RUNMQSC_SEEN"), append([]byte(strings.Join(os.Args[1:], " ")+"\n"), input...), 0o600)
	}
	fmt.Printf("%s", input)
	if err != nil || os.Args[1] == "REFUSED" {
		fmt.Println("AMQ8135E: Not authorized.", err)
		os.Exit(10)
	}
}
