// Command mqttpki sets up, converts, deploys and proves mutual TLS for MQTT.
package main

import (
	"os"

	"github.com/mqttpki/mqttpki/cmd/internal/cli"
)

func main() { os.Exit(cli.Main()) }
