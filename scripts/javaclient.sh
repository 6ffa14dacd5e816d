# shellcheck shell=sh
# javaclient: what ssjavaclient and cajavaclient share; they set truststore. The sample subscribes and publishes on the
# channel without client certificates, then on the one with, and checks the server on both. Needs a JDK 11 or newer and
# Eclipse Paho's jar (variable pahojar). Further arguments go to the sample, which -h explains.

java=$javapath/bin/java
[ -x "$java" ] || java=java
source=file:$passwordfile
[ -z "${password:-}" ] || source=env:password
[ -z "${cltjkskeystorepass:-}" ] || source=env:cltjkskeystorepass

sample() {
  "$java" -cp "$pahojar" "$(dirname -- "$0")/java/MqttSample.java" -a both -b "$host" -r "$truststore" "$@"
}
sample -p "$portsslopt" "$@"
sample -p "$portsslreq" -k "$cltjkskeystore" -w "$source" "$@"
