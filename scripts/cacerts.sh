#!/bin/sh
# cacerts: certificates for server and client from our own CA, and the stores that trust it. Makes missing keys first.
set -eu
. "$(dirname -- "$0")/initcert.sh"
exec "$mqttpki" ibm cacerts "$@"
