"""Reads and writes files with Python's cryptography. ../protocol_test.go says what the lines of the jobs are."""

import base64
import re
import sys

import cryptography
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
PLAIN = serialization.NoEncryption()


def text(name):
    return name.decode() if name else ""


def show(kind, alias, key, certs):
    secret = key.private_bytes(DER, PKCS8, PLAIN) if key else b""
    chain = ",".join(base64.b64encode(c.public_bytes(DER)).decode() for c in certs)
    print(kind, alias, base64.b64encode(secret).decode(), chain, sep="\t")


def read(kind, path, password):
    with open(path, "rb") as f:
        data = f.read()
    if kind == "PKCS12":
        store = pkcs12.load_pkcs12(data, password.encode())
        if store.key:
            leaf = [store.cert.certificate] if store.cert else []
            show("key", text(store.cert.friendly_name) if store.cert else "", store.key, leaf)
        for c in store.additional_certs:
            show("cert", text(c.friendly_name), None, [c.certificate])
        return
    if kind == "PEM":
        if b"PRIVATE KEY" in data:
            show("key", "", serialization.load_pem_private_key(data, password.encode() or None), [])
        certs = load_certificates(data)
    elif kind == "PKCS7":
        certs = pkcs7.load_pem_pkcs7_certificates(data)
    elif kind == "PKCS7-DER":
        certs = pkcs7.load_der_pkcs7_certificates(data)
    else:
        certs = [x509.load_der_x509_certificate(data)]
    for c in certs:
        show("cert", "", None, [c])


def load_certificates(data):
    """The certificates of a PEM file; version 38 reads but one at a time, with nothing before it."""
    blocks = re.findall(b"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----", data)
    return [x509.load_pem_x509_certificate(block) for block in blocks]


def pkcs12_encryption(kind, password):
    if kind == "PKCS12":
        return serialization.BestAvailableEncryption(password)
    old = pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC
    builder = serialization.PrivateFormat.PKCS12.encryption_builder()
    return builder.kdf_rounds(2048).key_cert_algorithm(old).hmac_hash(hashes.SHA1()).build(password)


def write(kind, path, password, entries):
    _, alias, secret, certs = entries[0]
    key = serialization.load_der_private_key(secret, None) if secret else None
    if kind == "trust store":
        trusted = [pkcs12.PKCS12Certificate(c[0], name.encode()) for _, name, _, c in entries]
        data = pkcs12.serialize_java_truststore(trusted, serialization.BestAvailableEncryption(password.encode()))
    elif kind.startswith("PKCS12"):
        data = pkcs12.serialize_key_and_certificates(
            alias.encode(), key, certs[0], certs[1:], pkcs12_encryption(kind, password.encode()))
    elif kind.startswith("PKCS7"):
        data = pkcs7.serialize_certificates([c for e in entries for c in e[3]], DER if kind == "PKCS7-DER" else PEM)
    else:
        sealed = serialization.BestAvailableEncryption(password.encode()) if password else PLAIN
        form = serialization.PrivateFormat.TraditionalOpenSSL if kind == "PEM-traditional" else PKCS8
        data = key.private_bytes(PEM, form, sealed) + b"".join(c.public_bytes(PEM) for c in certs)
    with open(path, "wb") as f:
        f.write(data)


def parse(line):
    kind, alias, secret, certs = line.split("\t")
    chain = [x509.load_der_x509_certificate(base64.b64decode(c)) for c in certs.split(",") if c]
    return kind, alias, base64.b64decode(secret), chain


def main():
    print("version", cryptography.__version__, sep="\t")
    lines = iter(sys.stdin.read().splitlines())
    for line in lines:
        action, kind, path, password = line.split("\t")
        entries = [parse(entry) for entry in iter(lambda: next(lines), "end")]
        try:
            if action == "read":
                read(kind, path, password)
            else:
                write(kind, path, password, entries)
        except BaseException as e:  # what is in Rust can panic, which is no Exception
            print("error", f"{type(e).__name__}: {e}".replace("\n", " ").replace("\t", " "), sep="\t")
        print("end")


main()
