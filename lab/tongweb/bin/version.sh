#!/bin/sh
# Prints what is installed, and its licence.
. "$(dirname "$0")/environment.sh"
need_java
run_java loanstack.standin.Version
