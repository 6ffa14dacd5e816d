#!/bin/sh
# Makes the files of this folder anew, in the folder it is started in. Needs OpenSSL 3; see README.md.
set -eu
P='sample pässwörd'
export P
openssl ecparam -name prime256v1 -genkey -out ec-parameters.pem        # EC PARAMETERS, then SEC1
openssl pkcs8 -topk8 -nocrypt -in ec-parameters.pem -out ec-pkcs8.pem
openssl ec -in ec-parameters.pem -no_public -out ec-nopublic.pem       # SEC1 without the public key
openssl ec -in ec-parameters.pem -outform DER -out ec-sec1.der
openssl pkcs8 -topk8 -nocrypt -in ec-parameters.pem -outform DER -out ec-pkcs8.der
openssl ec -in ec-parameters.pem -param_enc explicit -out ec-explicit.pem  # Go does not know such curves
openssl ecparam -name secp256k1 -genkey -noout -out ec-secp256k1.pem
openssl genrsa -traditional -out rsa-pkcs1.pem 1024
openssl rsa -in rsa-pkcs1.pem -traditional -outform DER -out rsa-pkcs1.der
openssl pkcs8 -topk8 -nocrypt -in rsa-pkcs1.pem -out rsa-pkcs8.pem
openssl rsa -in rsa-pkcs1.pem -RSAPublicKey_out -out rsa-public.pem
openssl rsa -in rsa-pkcs1.pem -pubout -out rsa-spki.pem
openssl rsa -in rsa-pkcs1.pem -pubout -outform DER -out rsa-spki.der
for c in aes128 aes192 aes256 des3; do
  openssl ec -in ec-parameters.pem -"$c" -passout env:P -out ec-traditional-"$c".pem
  openssl rsa -in rsa-pkcs1.pem -traditional -"$c" -passout env:P -out rsa-traditional-"$c".pem
done
for prf in hmacWithSHA1 hmacWithSHA224 hmacWithSHA256 hmacWithSHA384 hmacWithSHA512; do
  openssl pkcs8 -topk8 -in ec-parameters.pem -v2 aes-256-cbc -v2prf "$prf" -iter 100 -passout env:P -out ec-pbes2-"$prf".pem
done
openssl pkcs8 -topk8 -in ec-parameters.pem -scrypt -scrypt_N 16 -passout env:P -out ec-scrypt.pem
openssl pkcs8 -topk8 -in ec-parameters.pem -v1 PBE-SHA1-3DES -iter 100 -passout env:P -out ec-pbes1-3des.pem
openssl pkcs8 -topk8 -in ec-parameters.pem -v2 aes-256-cbc -iter 100 -outform DER -passout env:P -out ec-pbes2.der
openssl req -x509 -new -key ec-parameters.pem -subj /CN=sample -days 7300 -out cert.pem
openssl x509 -in cert.pem -outform DER -out cert.der
openssl x509 -in cert.pem -trustout -addtrust serverAuth -setalias 'näme' -out cert-trusted.pem
openssl x509 -in cert.pem -trustout -addreject emailProtection -out cert-rejected.pem
openssl x509 -in cert.pem -text -out cert-text.pem
sed 's/CERTIFICATE/X509 CERTIFICATE/' cert.pem >cert-x509.pem
sed 's/$/\r/' cert.pem >cert-crlf.pem
{ printf '\357\273\277'; cat cert.pem; } >cert-bom.pem
openssl crl2pkcs7 -nocrl -certfile cert.pem -out bundle.p7b
openssl crl2pkcs7 -nocrl -certfile cert.pem -outform DER -out bundle.der
openssl cms -sign -stream -outform DER -nodetach -in cert.pem -signer cert.pem -inkey ec-pkcs8.pem -out bundle-ber.der 2>/dev/null
openssl req -new -key ec-parameters.pem -subj /CN=sample -out request.pem
openssl req -in request.pem -outform DER -out request.der
sed 's/CERTIFICATE REQUEST/NEW CERTIFICATE REQUEST/' request.pem >request-new.pem
touch index.txt
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha256\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n' >ca.cnf
openssl ca -config ca.cnf -gencrl -keyfile ec-pkcs8.pem -cert cert.pem -crldays 7300 -out crl.pem
openssl crl -in crl.pem -outform DER -out crl.der
openssl pkcs12 -export -inkey ec-pkcs8.pem -in cert.pem -name 'näme' -passout env:P -out sample.p12
openssl pkcs12 -in sample.p12 -passin env:P -noenc -out bag-attributes.pem    # text before each block, certificate first
rm -f sample.p12 index.txt* ca.cnf
