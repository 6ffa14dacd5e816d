// Subscribes, publishes and waits for its own message with MQTT.js. The arguments are a URL, a client id, a topic and a
// folder with ca.crt and either ID-chain.crt and ID.key, or, with "pfx" as the last argument, ID.p12 and its ID.pass.
const fs = require("node:fs");
const path = require("node:path");
const mqtt = require("mqtt");

const [url, id, topic, folder, kind] = process.argv.slice(2);
const file = (name) => fs.readFileSync(path.join(folder, name));
const options = { ca: file("ca.crt"), clientId: id, reconnectPeriod: 0, connectTimeout: 10000 };
if (kind === "pfx") {
  options.pfx = file(id + ".p12");
  options.passphrase = file(id + ".pass").toString().trimEnd();
} else {
  options.cert = file(id + "-chain.crt");
  options.key = file(id + ".key");
}

let done = false; // then what the goodbye runs into is nobody's concern
const fail = (why) => {
  if (done) return;
  console.error(String(why));
  process.exit(1);
};
const client = mqtt.connect(url, options);
client.on("error", fail);
client.on("close", () => fail("closed"));
client.on("connect", () => {
  client.subscribe(topic, { qos: 1 }, (err) => {
    if (err) fail(err);
    client.publish(topic, "hello from MQTT.js", { qos: 1 });
  });
});
client.on("message", (on, payload) => {
  console.log(`${on} ${payload}`);
  done = true;
  client.end(false, {}, () => process.exit(0));
});
setTimeout(() => fail("no message came back"), 15000);
