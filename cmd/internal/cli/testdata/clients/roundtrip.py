"""Subscribes, publishes and waits for its own message with paho-mqtt, 1.x or 2.x.

The arguments are a transport (tcp or websockets), a host, a port, a client id, a topic and a folder with ca.crt,
ID-chain.crt and ID.key.
"""
import os
import sys
import threading

import paho.mqtt.client as mqtt

transport, host, port, ident, topic, folder = sys.argv[1:7]
arrived = threading.Event()


def on_connect(client, userdata, flags, rc, *rest):
    if rc != 0:
        sys.exit(f"refused: {rc}")
    client.subscribe(topic, 1)


def on_subscribe(client, *rest):
    client.publish(topic, "hello from paho-mqtt", 1)


def on_message(client, userdata, message):
    print(message.topic, message.payload.decode())
    arrived.set()


version = [mqtt.CallbackAPIVersion.VERSION1] if hasattr(mqtt, "CallbackAPIVersion") else []
client = mqtt.Client(*version, client_id=ident, transport=transport)
if transport == "websockets":
    client.ws_set_options(path="/mqtt")
client.tls_set(*(os.path.join(folder, name) for name in ("ca.crt", ident + "-chain.crt", ident + ".key")))
client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
client.connect(host, int(port))
client.loop_start()
if not arrived.wait(15):
    sys.exit("no message came back")
client.disconnect()
