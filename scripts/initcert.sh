# shellcheck shell=sh
# initcert: the variables of all scripts here. Each keeps the value that it has in the environment, so a value is
# changed by setting it there, or in this file. The other scripts read this file themselves; to see the variables in a
# shell of your own:  . ./initcert.sh
#
# There is no default password. Where `password` is not set, genkeys makes one up and keeps it in `passwordfile`, which
# you alone can read. The stores' own password variables of the same names as ever (cajkskeystorepass,
# srvjkskeystorepass, cltjkskeystorepass, cltp12keystorepass, cltpemkeystorepass, cltcajkstruststorepass,
# cltcap12truststorepass, cltcapemtruststorepass, cltsrvjkstruststorepass, cltsrvp12truststorepass,
# cltsrvpemtruststorepass) and those of the keys (cakeypass, srvkeypass, cltkeypass) are used where they are set.

# Places and tools. Of the tools only java is used; the others are here for scripts of your own.
export SDKRoot="${SDKRoot:-$HOME/mqtt}"
export jsamppath="${jsamppath:-$SDKRoot/sdk/clients/java/samples}"
export csamppath="${csamppath:-$SDKRoot/sdk/clients/c/samples}"
export javapath="${javapath:-${JAVA_HOME:-/usr}}"
export keytool="${keytool:-$javapath/bin/keytool}"
export ikeyman="${ikeyman:-$javapath/bin/ikeyman}"
export openssl="${openssl:-$SDKRoot/openssl}"
export runopenssl="${runopenssl:-$openssl/bin/openssl}"
export certpath="${certpath:-$SDKRoot/Certificates}"

# mqttpki: beside these scripts, or where `make` builds it, or on the PATH.
if [ -z "${mqttpki:-}" ]; then
  for mqttpki in "$(dirname -- "$0")/mqttpki" "$(dirname -- "$0")/../bin/mqttpki" mqttpki; do
    if [ -f "$mqttpki" ] && [ -x "$mqttpki" ]; then
      break
    fi
  done
fi
export mqttpki
export pahojar="${pahojar:-$SDKRoot/sdk/clients/java/org.eclipse.paho.client.mqttv3.jar}"

# Security values. validity is in days; the CA lives a day longer. algorithm is RSA, EC, or a key type of mqttpki.
export passwordfile="${passwordfile:-$certpath/password.txt}"
export validity="${validity:-5000}"
export algorithm="${algorithm:-RSA}"

# The CA. It is kept in `pki`, where mqttpki's other commands use it too. cajkskeystore=none leaves out the copy of its
# key in a store whose protection is weak.
export pki="${pki:-$certpath/pki}"
export caalias="${caalias:-caalias}"
export cadname="${cadname:-CN=mqttca.ibm.id.com, OU=ID, O=IBM, L=Hursley, S=Hants, C=GB}"
export cajkskeystore="${cajkskeystore:-$certpath/cakeystore.jks}"
export cacert="${cacert:-$certpath/cacert.cer}"

# The server.
export srvalias="${srvalias:-srvalias}"
export srvdname="${srvdname:-CN=mqttserver.ibm.id.com, OU=ID, O=IBM, L=Hursley, S=Hants, C=GB}"
export srvjkskeystore="${srvjkskeystore:-$certpath/srvkeystore.jks}"
export srvcertreq="${srvcertreq:-$certpath/srvcertreq.csr}"
export srvcertcasigned="${srvcertcasigned:-$certpath/srvcertcasigned.cer}"
export srvcertselfsigned="${srvcertselfsigned:-$certpath/srvcertselfsigned.cer}"

# The client.
export cltalias="${cltalias:-cltalias}"
export cltdname="${cltdname:-CN=mqttclient.ibm.id.com, OU=ID, O=IBM, L=Hursley, S=Hants, C=GB}"
export cltjkskeystore="${cltjkskeystore:-$certpath/cltkeystore.jks}"
export cltcertreq="${cltcertreq:-$certpath/cltcertreq.csr}"
export cltcertcasigned="${cltcertcasigned:-$certpath/cltcacertsigned.cer}"
export cltcertselfsigned="${cltcertselfsigned:-$certpath/cltcertselfsigned.cer}"
export cltcajkstruststore="${cltcajkstruststore:-$certpath/cltcatruststore.jks}"
export cltsrvjkstruststore="${cltsrvjkstruststore:-$certpath/cltsrvtruststore.jks}"
export cltp12keystore="${cltp12keystore:-$certpath/cltkeystore.p12}"
export cltpemkeystore="${cltpemkeystore:-$certpath/cltkeystore.pem}"
export cltcap12truststore="${cltcap12truststore:-$certpath/cltcatruststore.p12}"
export cltcapemtruststore="${cltcapemtruststore:-$certpath/cltcatruststore.pem}"
export cltsrvp12truststore="${cltsrvp12truststore:-$certpath/cltsrvtruststore.p12}"
export cltsrvpemtruststore="${cltsrvpemtruststore:-$certpath/cltsrvtruststore.pem}"

# The queue manager and its channels. The quotes are part of mcauser's value.
export qm="${qm:-MQXR_SAMPLE_QM}"
export host="${host:-localhost}"
export mqversion="${mqversion:-9.3}"
export mqlog="${mqlog:-$certpath/wmq.log}"
export mqscfile="${mqscfile:-$certpath/mqcerts.mqsc}"
export authopt="${authopt:-NEVER}"
export authreq="${authreq:-REQUIRED}"
export mcauser="${mcauser:-'Guest'}"
export chlopt="${chlopt:-SSLOPT}"
export portsslopt="${portsslopt:-8884}"
export chlreq="${chlreq:-SSLREQ}"
export portsslreq="${portsslreq:-8885}"
export chlws="${chlws:-PLAINWS}"
export portws="${portws:-1886}"
export chlssloptws="${chlssloptws:-SSLOPTWS}"
export portssloptws="${portssloptws:-8886}"
export chlsslreqws="${chlsslreqws:-SSLREQWS}"
export portsslreqws="${portsslreqws:-8887}"
