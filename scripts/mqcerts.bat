@echo off
rem mqcerts: writes the channel definitions for IBM MQ, and feeds them to runmqsc where there is one.
setlocal
call "%~dp0initcert.bat"
if defined MQ_FILE_PATH call "%MQ_FILE_PATH%\bin\setmqenv" -s
"%mqttpki%" ibm mqcerts %*
exit /b %errorlevel%
