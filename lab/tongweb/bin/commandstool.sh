#!/bin/sh
# commandstool.sh COMMAND --user=cli --passwordfile=FILE [--option=value...] [OPERAND]: has the console do something.
. "$(dirname "$0")/environment.sh"
need_java
run_java loanstack.standin.CommandsTool "$@"
