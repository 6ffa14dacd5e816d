@echo off
rem ssjavaclient: the Java sample with the stores of the self-signed path.
setlocal
call "%~dp0initcert.bat"
set "truststore=%cltsrvjkstruststore%"
call "%~dp0javaclient.bat" %*
exit /b %errorlevel%
