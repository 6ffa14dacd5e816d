"""Reads many PKCS12 files with the OpenSSL that Python's cryptography brings, for tests.

Each line of stores.txt is "FILE PASSWORD"; each is answered with a line: how many private keys there are, none or one,
and how many certificates, or "refused" and why. The first line is the version of OpenSSL.
"""

from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

print(backend.openssl_version_text())
with open("stores.txt", encoding="utf-8") as lines:
    for line in lines.read().rstrip("\n").split("\n"):
        name, password = line.split(" ", 1)
        try:
            with open(name, "rb") as file:
                key, certificate, others = load_key_and_certificates(file.read(), password.encode(), backend)
            print(int(key is not None), int(certificate is not None) + len(others))
        except Exception as why:  # whatever it is, the file was not read
            print("refused", type(why).__name__, str(why).replace("\n", " "))
