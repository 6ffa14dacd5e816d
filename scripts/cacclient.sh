#!/bin/sh
# cacclient: the C clients with the stores of our own CA.
set -eu
. "$(dirname -- "$0")/initcert.sh"
truststore=$cltcapemtruststore
. "$(dirname -- "$0")/cclient.sh"
