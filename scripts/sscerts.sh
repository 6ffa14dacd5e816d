#!/bin/sh
# sscerts: self-signed certificates for server and client, each trusting the other's. Makes missing keys first.
set -eu
. "$(dirname -- "$0")/initcert.sh"
exec "$mqttpki" ibm sscerts "$@"
