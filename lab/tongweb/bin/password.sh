#!/bin/sh
# Scrambles the password on standard input, for a password file or a connection pool.
. "$(dirname "$0")/environment.sh"
need_java
run_java loanstack.standin.Passwords
