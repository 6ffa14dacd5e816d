// Runs the jobs of standard input, one after another; ../protocol_test.go says what the lines are.
'use strict';
const { readFileSync } = require('fs');

const show = (kind, alias, key, certs) =>
  console.log([kind, alias, key.toString('base64'), certs.map((c) => c.toString('base64')).join(',')].join('\t'));

const parse = (line) => {
  const [kind, alias, key, certs] = line.split('\t');
  return {
    kind,
    alias,
    key: Buffer.from(key, 'base64'),
    chain: certs ? certs.split(',').map((c) => Buffer.from(c, 'base64')) : [],
  };
};

// serve calls read(kind, path, password) and write(kind, path, password, entries); both may be async.
async function serve(version, read, write) {
  console.log(`version\t${version}`);
  const lines = readFileSync(0, 'utf8').split('\n');
  for (let i = 0; lines[i]; i++) {
    const [action, kind, path, password] = lines[i].split('\t');
    const entries = [];
    while (lines[++i] !== 'end') entries.push(parse(lines[i]));
    try {
      await (action === 'read' ? read : write)(kind, path, password, entries);
    } catch (e) {
      console.log(`error\t${String(e.message || e).replace(/\s+/g, ' ')}`);
    }
    console.log('end');
  }
}

// pem returns the PEM text of DER bytes.
const pem = (label, der) =>
  `-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{64}(?!$)/g, '$&\n')}\n-----END ${label}-----\n`;

// blocks returns the DER of a PEM text's blocks with the label.
const blocks = (text, label) =>
  [...text.matchAll(new RegExp(`-----BEGIN ${label}-----([^-]*)-----END`, 'g'))].map((m) => Buffer.from(m[1], 'base64'));

module.exports = { serve, show, pem, blocks };
