@echo off
rem sscclient: the C clients with the stores of the self-signed path.
setlocal
call "%~dp0initcert.bat"
set "truststore=%cltsrvpemtruststore%"
call "%~dp0cclient.bat" %*
exit /b %errorlevel%
