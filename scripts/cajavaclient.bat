@echo off
rem cajavaclient: the Java sample with the stores of our own CA.
setlocal
call "%~dp0initcert.bat"
set "truststore=%cltcajkstruststore%"
call "%~dp0javaclient.bat" %*
exit /b %errorlevel%
