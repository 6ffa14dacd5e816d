#!/bin/sh
# ssjavaclient: the Java sample with the stores of the self-signed path.
set -eu
. "$(dirname -- "$0")/initcert.sh"
truststore=$cltsrvjkstruststore
. "$(dirname -- "$0")/javaclient.sh"
