@echo off
rem initcert: the variables of all scripts here. Each keeps the value that it has in the environment, so a value is
rem changed by setting it there, or in this file. The other scripts call this file themselves; run it once in a command
rem window of your own to have the variables there.
rem
rem There is no default password. Where `password` is not set, genkeys makes one up and keeps it in `passwordfile`.
rem The stores' own password variables of the same names as ever (cajkskeystorepass, srvjkskeystorepass,
rem cltjkskeystorepass, cltp12keystorepass, cltpemkeystorepass, cltcajkstruststorepass, cltcap12truststorepass,
rem cltcapemtruststorepass, cltsrvjkstruststorepass, cltsrvp12truststorepass, cltsrvpemtruststorepass) and those of
rem the keys (cakeypass, srvkeypass, cltkeypass) are used where they are set.
rem
rem Every line is an `if` of its own: a block in parentheses would end at the one in C:\Program Files (x86).

rem Places and tools. Of the tools only java is used; the others are here for scripts of your own.
if not defined SDKRoot set "SDKRoot=C:\MQTT"
if not defined jsamppath set "jsamppath=%SDKRoot%\sdk\clients\java\samples"
if not defined csamppath set "csamppath=%SDKRoot%\sdk\clients\c\samples"
if not defined javapath set "javapath=C:\Program Files\IBM\Java70"
if not defined keytool set keytool="%javapath%\jre\bin\keytool.exe"
if not defined ikeyman set ikeyman="%javapath%\jre\bin\ikeyman.exe"
if not defined openssl set "openssl=%SDKRoot%\openssl"
if not defined runopenssl set runopenssl="%openssl%\bin\openssl"
if not defined certpath set "certpath=%SDKRoot%\Certificates"

rem mqttpki: beside these scripts, or where it is built, or on the PATH.
if not defined mqttpki if exist "%~dp0mqttpki.exe" set "mqttpki=%~dp0mqttpki.exe"
if not defined mqttpki if exist "%~dp0..\bin\mqttpki.exe" set "mqttpki=%~dp0..\bin\mqttpki.exe"
if not defined mqttpki set "mqttpki=mqttpki.exe"
if not defined pahojar set "pahojar=%SDKRoot%\sdk\clients\java\org.eclipse.paho.client.mqttv3.jar"

rem Security values. validity is in days; the CA lives a day longer. algorithm is RSA, EC, or a key type of mqttpki.
if not defined passwordfile set "passwordfile=%certpath%\password.txt"
if not defined validity set "validity=5000"
if not defined algorithm set "algorithm=RSA"

rem The CA. It is kept in `pki`, where mqttpki's other commands use it too. cajkskeystore=none leaves out the copy of
rem its key in a store whose protection is weak.
if not defined pki set "pki=%certpath%\pki"
if not defined caalias set "caalias=caalias"
if not defined cadname set "cadname=CN=mqttca.ibm.id.com, OU=ID, O=IBM, L=Hursley, S=Hants, C=GB"
if not defined cajkskeystore set "cajkskeystore=%certpath%\cakeystore.jks"
if not defined cacert set "cacert=%certpath%\cacert.cer"

rem The server.
if not defined srvalias set "srvalias=srvalias"
if not defined srvdname set "srvdname=CN=mqttserver.ibm.id.com, OU=ID, O=IBM, L=Hursley, S=Hants, C=GB"
if not defined srvjkskeystore set "srvjkskeystore=%certpath%\srvkeystore.jks"
if not defined srvcertreq set "srvcertreq=%certpath%\srvcertreq.csr"
if not defined srvcertcasigned set "srvcertcasigned=%certpath%\srvcertcasigned.cer"
if not defined srvcertselfsigned set "srvcertselfsigned=%certpath%\srvcertselfsigned.cer"

rem The client.
if not defined cltalias set "cltalias=cltalias"
if not defined cltdname set "cltdname=CN=mqttclient.ibm.id.com, OU=ID, O=IBM, L=Hursley, S=Hants, C=GB"
if not defined cltjkskeystore set "cltjkskeystore=%certpath%\cltkeystore.jks"
if not defined cltcertreq set "cltcertreq=%certpath%\cltcertreq.csr"
if not defined cltcertcasigned set "cltcertcasigned=%certpath%\cltcacertsigned.cer"
if not defined cltcertselfsigned set "cltcertselfsigned=%certpath%\cltcertselfsigned.cer"
if not defined cltcajkstruststore set "cltcajkstruststore=%certpath%\cltcatruststore.jks"
if not defined cltsrvjkstruststore set "cltsrvjkstruststore=%certpath%\cltsrvtruststore.jks"
if not defined cltp12keystore set "cltp12keystore=%certpath%\cltkeystore.p12"
if not defined cltpemkeystore set "cltpemkeystore=%certpath%\cltkeystore.pem"
if not defined cltcap12truststore set "cltcap12truststore=%certpath%\cltcatruststore.p12"
if not defined cltcapemtruststore set "cltcapemtruststore=%certpath%\cltcatruststore.pem"
if not defined cltsrvp12truststore set "cltsrvp12truststore=%certpath%\cltsrvtruststore.p12"
if not defined cltsrvpemtruststore set "cltsrvpemtruststore=%certpath%\cltsrvtruststore.pem"

rem The queue manager and its channels. The quotes are part of mcauser's value.
if not defined qm set "qm=MQXR_SAMPLE_QM"
if not defined host set "host=localhost"
if not defined mqversion set "mqversion=9.3"
if not defined mqlog set "mqlog=%certpath%\wmq.log"
if not defined mqscfile set "mqscfile=%certpath%\mqcerts.mqsc"
if not defined authopt set "authopt=NEVER"
if not defined authreq set "authreq=REQUIRED"
if not defined mcauser set "mcauser='Guest'"
if not defined chlopt set "chlopt=SSLOPT"
if not defined portsslopt set "portsslopt=8884"
if not defined chlreq set "chlreq=SSLREQ"
if not defined portsslreq set "portsslreq=8885"
if not defined chlws set "chlws=PLAINWS"
if not defined portws set "portws=1886"
if not defined chlssloptws set "chlssloptws=SSLOPTWS"
if not defined portssloptws set "portssloptws=8886"
if not defined chlsslreqws set "chlsslreqws=SSLREQWS"
if not defined portsslreqws set "portsslreqws=8887"
