@echo off
rem cacerts: certificates for server and client from our own CA, and the stores that trust it. Makes missing keys first.
setlocal
call "%~dp0initcert.bat"
"%mqttpki%" ibm cacerts %*
exit /b %errorlevel%
