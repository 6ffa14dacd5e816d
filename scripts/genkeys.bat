@echo off
rem genkeys: makes the client's, the server's and the CA's key, each in its store with a certificate.
setlocal
call "%~dp0initcert.bat"
"%mqttpki%" ibm genkeys %*
exit /b %errorlevel%
