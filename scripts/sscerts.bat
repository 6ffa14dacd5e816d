@echo off
rem sscerts: self-signed certificates for server and client, each trusting the other's. Makes missing keys first.
setlocal
call "%~dp0initcert.bat"
"%mqttpki%" ibm sscerts %*
exit /b %errorlevel%
