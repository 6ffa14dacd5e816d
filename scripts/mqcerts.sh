#!/bin/sh
# mqcerts: writes the channel definitions for IBM MQ, and feeds them to runmqsc where there is one.
set -eu
. "$(dirname -- "$0")/initcert.sh"
PATH=$PATH:/opt/mqm/bin # where IBM MQ keeps runmqsc
exec "$mqttpki" ibm mqcerts "$@"
