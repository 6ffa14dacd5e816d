#!/bin/sh
# cajavaclient: the Java sample with the stores of our own CA.
set -eu
. "$(dirname -- "$0")/initcert.sh"
truststore=$cltcajkstruststore
. "$(dirname -- "$0")/javaclient.sh"
