# shellcheck shell=sh
# cclient: what sscclient and cacclient share; they set truststore. Eclipse Paho's command-line clients for C
# (paho_cs_sub and paho_cs_pub; on Debian in paho.mqtt.c-examples) subscribe and publish on the channel without client
# certificates, then on the one with, and check the server on both. Further arguments go to both programs.

# The clients take the password of a key from their command line only, where others can read it. They are given the key
# without encryption instead, in a folder that is yours alone and gone at the end.
umask 077
work=$(mktemp -d)
subscriber=
finish() {
  [ -z "$subscriber" ] || kill "$subscriber" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
source=file:$passwordfile
[ -z "${password:-}" ] || source=env:password
[ -z "${cltpemkeystorepass:-}" ] || source=env:cltpemkeystorepass
"$mqttpki" --quiet convert pem pem "$cltpemkeystore" "$work/client.pem" --in-pass "$source" --out-pass none

topic=mqttpki/sample
message="Hello from Paho C"

# roundtrip PORT [OPTIONS]: the clients end with 0 whatever happens, so the proof is that the message comes back. It is
# sent again each second, since a subscriber does not say when it has subscribed.
roundtrip() {
  url=ssl://$host:$1
  shift
  : >"$work/received"
  paho_cs_sub -c "$url" -t "$topic" -q 2 -i sample_subscribe --cafile "$truststore" "$@" >"$work/received" &
  subscriber=$!
  tries=0
  until grep -qF "$message" "$work/received"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 10 ] || ! kill -0 "$subscriber" 2>/dev/null; then
      echo "$url: no message came back" >&2
      exit 1
    fi
    paho_cs_pub -c "$url" -t "$topic" -q 2 -i sample_publish -m "$message" --cafile "$truststore" "$@"
    sleep 1
  done
  kill "$subscriber"
  wait "$subscriber" || true
  subscriber=
  echo "$url: published to $topic, and received: $message"
}

roundtrip "$portsslopt" "$@"
roundtrip "$portsslreq" --cert "$work/client.pem" --key "$work/client.pem" "$@"
