@echo off
rem cleancert: lists what the other scripts made, asks, and removes it. --yes does not ask.
setlocal
call "%~dp0initcert.bat"
"%mqttpki%" ibm cleancert %*
exit /b %errorlevel%
