@echo off
rem cclient: what sscclient and cacclient share; they set truststore. Eclipse Paho's command-line clients for C
rem (paho_cs_sub and paho_cs_pub) subscribe, in a window of their own, and publish: on the channel without client
rem certificates, then on the one with. They check the server on both. Further arguments go to both programs.
rem
rem The clients take the password of a key from their command line only, where others can read it. They are given the
rem key without encryption instead, in a folder of yours that is gone at the end.
setlocal
set "source=file:%passwordfile%"
if defined password set "source=env:password"
if defined cltpemkeystorepass set "source=env:cltpemkeystorepass"
set "work=%TEMP%\mqttpki-%RANDOM%%RANDOM%"
mkdir "%work%"
if errorlevel 1 exit /b 1
"%mqttpki%" --quiet convert pem pem "%cltpemkeystore%" "%work%\client.pem" --in-pass "%source%" --out-pass none
if errorlevel 1 goto failed

call :roundtrip "%portsslopt%" %*
call :roundtrip "%portsslreq%" --cert "%work%\client.pem" --key "%work%\client.pem" %*
rmdir /s /q "%work%"
exit /b 0

:failed
rmdir /s /q "%work%"
exit /b 1

rem :roundtrip PORT [OPTIONS]. The second of waiting is for the subscriber to connect; ping is the sleep that every
rem Windows has.
:roundtrip
set "url=ssl://%host%:%~1"
set options=%2 %3 %4 %5 %6 %7 %8 %9
start "subscriber on %url%" paho_cs_sub -c "%url%" -t mqttpki/sample -q 2 -i sample_subscribe --cafile "%truststore%" %options%
ping -n 3 127.0.0.1 >nul
paho_cs_pub -c "%url%" -t mqttpki/sample -q 2 -i sample_publish -m "Hello from Paho C" --cafile "%truststore%" %options%
ping -n 2 127.0.0.1 >nul
exit /b 0
