@echo off
rem javaclient: what ssjavaclient and cajavaclient share; they set truststore. The sample subscribes and publishes on
rem the channel without client certificates, then on the one with, and checks the server on both. Needs a JDK 11 or
rem newer and Eclipse Paho's jar (variable pahojar). Further arguments go to the sample, which -h explains.
setlocal
set "java=java"
if exist "%javapath%\bin\java.exe" set "java=%javapath%\bin\java.exe"
set "source=file:%passwordfile%"
if defined password set "source=env:password"
if defined cltjkskeystorepass set "source=env:cltjkskeystorepass"

call :sample -p "%portsslopt%" %*
if errorlevel 1 exit /b 1
call :sample -p "%portsslreq%" -k "%cltjkskeystore%" -w "%source%" %*
if errorlevel 1 exit /b 1
exit /b 0

:sample
"%java%" -cp "%pahojar%" "%~dp0java\MqttSample.java" -a both -b "%host%" -r "%truststore%" %*
exit /b %errorlevel%
