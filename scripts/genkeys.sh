#!/bin/sh
# genkeys: makes the client's, the server's and the CA's key, each in its store with a certificate.
set -eu
. "$(dirname -- "$0")/initcert.sh"
exec "$mqttpki" ibm genkeys "$@"
