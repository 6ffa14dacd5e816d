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
legacy='-provider legacy -provider default' # DES, RC2 and RC4 have gone there
for c in aes128 aes192 aes256 des3 des; do
  openssl ec -in ec-parameters.pem -"$c" $legacy -passout env:P -out ec-traditional-"$c".pem
  openssl rsa -in rsa-pkcs1.pem -traditional -"$c" $legacy -passout env:P -out rsa-traditional-"$c".pem
done
openssl ec -in ec-parameters.pem -camellia256 -passout env:P -out refused-traditional-camellia.pem
openssl dsaparam -genkey -noout -out dsa-parameters.pem 1024 2>/dev/null
openssl pkcs8 -topk8 -nocrypt -in dsa-parameters.pem -out dsa-pkcs8.pem
rm dsa-parameters.pem
openssl dsa -in dsa-pkcs8.pem -out dsa-traditional.pem
openssl dsa -in dsa-pkcs8.pem -aes256 -passout env:P -out dsa-traditional-aes256.pem
openssl dsa -in dsa-pkcs8.pem -outform DER -out dsa-traditional.der
for a in ed25519 ed448 x25519; do openssl genpkey -algorithm "$a" -out "$a"-pkcs8.pem; done
openssl genpkey -algorithm rsa-pss -pkeyopt rsa_keygen_bits:1024 -out rsapss-pkcs8.pem 2>/dev/null
for prf in hmacWithSHA1 hmacWithSHA224 hmacWithSHA256 hmacWithSHA384 hmacWithSHA512; do
  openssl pkcs8 -topk8 -in ec-parameters.pem -v2 aes-256-cbc -v2prf "$prf" -iter 100 -passout env:P -out ec-pbes2-"$prf".pem
done
openssl pkcs8 -topk8 -in ec-parameters.pem -scrypt -scrypt_N 16 -passout env:P -out ec-scrypt.pem
for c in aes-128-cbc aes-192-cbc des3 des-cbc rc2-cbc; do
  openssl pkcs8 -topk8 -in ec-parameters.pem -v2 "$c" -iter 100 $legacy -passout env:P -out ec-cipher-"$c".pem
done
for c in SHA1-3DES SHA1-2DES SHA1-RC2-40 SHA1-RC2-128 SHA1-RC4-40 SHA1-RC4-128 MD5-DES MD5-RC2-64 SHA1-DES SHA1-RC2-64; do
  openssl pkcs8 -topk8 -in ec-parameters.pem -v1 PBE-"$c" -iter 100 $legacy -passout env:P -out ec-pbes1-"$c".pem
done
openssl pkcs8 -topk8 -in ec-parameters.pem -v2 camellia-256-cbc -iter 100 -passout env:P -out refused-pbes2-camellia.pem
openssl pkcs8 -topk8 -in ec-parameters.pem -v2 aes-256-cfb -iter 100 -passout env:P -out refused-pbes2-cfb.pem
openssl pkey -in ec-pkcs8.pem -text -out ec-text.pem
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
for k in ec-secp256k1 rsapss-pkcs8 ed448-pkcs8; do openssl req -x509 -new -key "$k".pem -subj /CN="$k" -days 7300 -out "$k".crt; done
cat ec-secp256k1.crt rsapss-pkcs8.crt ed448-pkcs8.crt ed448-pkcs8.pem rsapss-pkcs8.pem ec-secp256k1.pem >unknown-pairs.pem
rm *.crt
openssl req -new -key ec-parameters.pem -subj /CN=sample -out request.pem
openssl req -in request.pem -outform DER -out request.der
sed 's/CERTIFICATE REQUEST/NEW CERTIFICATE REQUEST/' request.pem >request-new.pem
touch index.txt
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ndefault_md=sha256\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n' >ca.cnf
openssl ca -config ca.cnf -gencrl -keyfile ec-pkcs8.pem -cert cert.pem -crldays 7300 -out crl.pem
openssl crl -in crl.pem -outform DER -out crl.der
openssl crl -in crl.pem -text -out crl-text.pem
openssl req -in request.pem -text -out request-text.pem
openssl req -new -key rsa-pkcs1.pem -subj /CN=leaf -out leaf.csr
openssl x509 -req -in leaf.csr -CA cert.pem -CAkey ec-pkcs8.pem -days 7300 -out leaf.pem 2>/dev/null
rm leaf.csr
openssl crl2pkcs7 -in crl.pem -certfile leaf.pem -certfile cert.pem -out chain-crl.p7b
openssl crl2pkcs7 -in crl.pem -certfile leaf.pem -certfile cert.pem -outform DER -out chain-crl.der
openssl crl2pkcs7 -in crl.pem -out crl.p7b
openssl crl2pkcs7 -nocrl -out empty.p7b </dev/null
openssl cms -sign -stream -outform PEM -nodetach -in cert.pem -certfile cert.pem -signer leaf.pem -inkey rsa-pkcs8.pem -out chain-ber.pem 2>/dev/null
openssl pkcs12 -export -inkey rsa-pkcs8.pem -in leaf.pem -certfile cert.pem -name leaf -caname 'the root' -passout env:P -out sample.p12
openssl pkcs12 -in sample.p12 -passin env:P -passout env:P -out bag-chain.pem    # the key encrypted and last
openssl pkcs12 -export -inkey ec-pkcs8.pem -in cert.pem -name 'näme' -passout env:P -out sample.p12
openssl pkcs12 -in sample.p12 -passin env:P -noenc -out bag-attributes.pem    # text before each block, certificate first
rm -f sample.p12 index.txt* ca.cnf
