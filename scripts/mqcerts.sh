#!/bin/sh
# mqcerts: writes the channel definitions for IBM MQ, and feeds them to runmqsc where there is one.
set -eu
. "$(dirname -- "$0")/initcert.sh"
exec "$mqttpki" ibm mqcerts "$@"
