#!/bin/sh
# cleancert: lists what the other scripts made, asks, and removes it. --yes does not ask.
set -eu
. "$(dirname -- "$0")/initcert.sh"
exec "$mqttpki" ibm cleancert "$@"
