// Reads and writes files with node-forge, which does all of it in JavaScript. It knows RSA keys and their certificates;
// of others it hands over the bytes.
'use strict';
const { pbkdf2Sync } = require('crypto');
const { readFileSync, writeFileSync } = require('fs');
const forge = require('node-forge');
const { serve, show, blocks } = require('./protocol.js');
const { asn1, pki, pkcs12 } = forge;

// Key derivation is Node's own: that of node-forge takes seconds for the 600,000 iterations of some writers.
forge.pkcs5.pbkdf2 = (password, salt, count, length, md) =>
  pbkdf2Sync(Buffer.from(password, 'binary'), Buffer.from(salt, 'binary'), count, length, md ? md.algorithm : 'sha1').toString('binary');

const bytes = (tree) => Buffer.from(asn1.toDer(tree).getBytes(), 'binary');
const tree = (der) => asn1.fromDer(der.toString('binary'));

function read(kind, path, password) {
  const data = readFileSync(path);
  if (kind === 'PKCS12') return readStore(pkcs12.pkcs12FromAsn1(tree(data), false, password));
  const text = String(data);
  if (text.includes('PRIVATE KEY')) {
    const start = text.indexOf('-----BEGIN', Math.max(0, text.indexOf('PRIVATE KEY') - 40));
    const block = text.slice(start, text.indexOf('-----END', start)) + text.slice(text.indexOf('-----END', start)).split('\n')[0];
    const key = text.includes('ENCRYPTED') ? pki.decryptRsaPrivateKey(block, password) : pki.privateKeyFromPem(block);
    if (!key) throw new Error('no key');
    show('key', '', bytes(pki.wrapRsaPrivateKey(pki.privateKeyToAsn1(key))), []);
  }
  for (const der of blocks(text, 'CERTIFICATE')) {
    show('cert', '', Buffer.alloc(0), [bytes(pki.certificateToAsn1(pki.certificateFromAsn1(tree(der))))]);
  }
}

function readStore(store) {
  for (const safe of store.safeContents) {
    for (const bag of safe.safeBags) {
      const name = (bag.attributes.friendlyName || [''])[0];
      if (bag.cert || bag.type === pki.oids.certBag) {
        show('cert', name, Buffer.alloc(0), [bag.cert ? bytes(pki.certificateToAsn1(bag.cert)) : bytes(bag.asn1)]);
      } else if (bag.type === pki.oids.pkcs8ShroudedKeyBag || bag.type === pki.oids.keyBag) {
        show('key', name, bag.key ? bytes(pki.wrapRsaPrivateKey(pki.privateKeyToAsn1(bag.key))) : bytes(bag.asn1), []);
      }
    }
  }
}

function write(kind, path, password, [{ alias, key, chain }]) {
  const secret = pki.privateKeyFromAsn1(tree(key));
  const certs = chain.map((c) => pki.certificateFromAsn1(tree(c)));
  if (kind === 'PEM') {
    const text = password ? pki.encryptRsaPrivateKey(secret, password) : pki.privateKeyInfoToPem(tree(key));
    writeFileSync(path, text + certs.map((c) => pki.certificateToPem(c)).join(''));
    return;
  }
  const store = pkcs12.toPkcs12Asn1(secret, certs, password, { algorithm: kind, friendlyName: alias });
  writeFileSync(path, bytes(store));
}

const { version } = require('node-forge/package.json');
serve(version, read, write);
