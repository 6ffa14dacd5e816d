@echo off
rem mqcerts: writes the channel definitions for IBM MQ, and feeds them to runmqsc where there is one.
setlocal
call "%~dp0initcert.bat"
"%mqttpki%" ibm mqcerts %*
exit /b %errorlevel%
