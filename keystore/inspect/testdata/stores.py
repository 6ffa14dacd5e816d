"""Reads many key files with the OpenSSL that Python's cryptography brings, for tests.

Each line of stores.txt is "FILE PASSWORD"; each is answered with a line: how many private keys there are, none or one,
and, of a PKCS12, how many certificates, or "refused" and why. The first line is the version of OpenSSL.
"""

from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates


def read(name, data, password):
    """Returns the answer to one file."""
    if name.endswith(".p12"):
        key, certificate, others = load_key_and_certificates(data, password, backend)
        return f"{int(key is not None)} {int(certificate is not None) + len(others)}"
    load = load_der_private_key if name.endswith(".der") else load_pem_private_key
    load(data, password or None, backend)
    return "1 0"


print(backend.openssl_version_text())
with open("stores.txt", encoding="utf-8") as lines:
    for line in lines.read().rstrip("\n").split("\n"):
        name, password = line.split(" ", 1)
        try:
            with open(name, "rb") as file:
                print(read(name, file.read(), password.encode()))
        except Exception as why:  # whatever it is, the file was not read
            print("refused", type(why).__name__, str(why).replace("\n", " "))
