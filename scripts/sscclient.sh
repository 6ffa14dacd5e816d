#!/bin/sh
# sscclient: the C clients with the stores of the self-signed path.
set -eu
. "$(dirname -- "$0")/initcert.sh"
truststore=$cltsrvpemtruststore
. "$(dirname -- "$0")/cclient.sh"
