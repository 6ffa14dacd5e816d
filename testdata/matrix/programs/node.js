// Reads and writes files with what Node.js has of its own: a PKCS12 as the identity of a TLS server that a client
// connects to, the rest through its crypto module.
'use strict';
const { createPrivateKey, X509Certificate } = require('crypto');
const { readFileSync, writeFileSync } = require('fs');
const { PassThrough, Duplex } = require('stream');
const tls = require('tls');
const { serve, show, pem } = require('./protocol.js');

// pipe returns the two ends of a connection without a network.
function pipe() {
  const [there, back] = [new PassThrough(), new PassThrough()];
  return [Duplex.from({ readable: there, writable: back }), Duplex.from({ readable: back, writable: there })];
}

// handshake serves with the context and returns the certificate that a client is shown. That it ends well proves that
// the key is the certificate's, and that its chain reaches one of the roots in NODE_EXTRA_CA_CERTS.
function handshake(secureContext) {
  const [near, far] = pipe();
  return new Promise((resolve, reject) => {
    new tls.TLSSocket(far, { isServer: true, secureContext }).on('error', reject);
    const client = tls.connect({ socket: near, checkServerIdentity: () => undefined }, () => resolve(client.getPeerCertificate().raw));
    client.on('error', reject);
  });
}

async function read(kind, path, passphrase) {
  const data = readFileSync(path);
  if (kind === 'PKCS12') {
    const own = await handshake(tls.createSecureContext({ pfx: data, passphrase }));
    show('key', '', new X509Certificate(own).publicKey.export({ type: 'spki', format: 'der' }), [own]);
    return;
  }
  if (kind === 'PEM' && data.includes('PRIVATE KEY')) {
    show('key', '', createPrivateKey({ key: data, passphrase }).export({ type: 'pkcs8', format: 'der' }), []);
  }
  const texts = kind === 'PEM' ? String(data).match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) || [] : [data];
  for (const text of texts) show('cert', '', Buffer.alloc(0), [new X509Certificate(text).raw]);
}

function write(kind, path, passphrase, [{ key, chain }]) {
  const sealed = passphrase ? { cipher: 'aes-256-cbc', passphrase } : {};
  const text = createPrivateKey({ key, type: 'pkcs8', format: 'der' }).export({ type: 'pkcs8', format: 'pem', ...sealed });
  writeFileSync(path, text + chain.map((c) => pem('CERTIFICATE', c)).join(''));
}

serve(process.versions.node, read, write).then(() => process.exit(0));
