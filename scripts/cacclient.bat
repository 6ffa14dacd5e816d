@echo off
rem cacclient: the C clients with the stores of our own CA.
setlocal
call "%~dp0initcert.bat"
set "truststore=%cltcapemtruststore%"
call "%~dp0cclient.bat" %*
exit /b %errorlevel%
