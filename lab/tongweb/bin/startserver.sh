#!/bin/sh
# Starts the server in the foreground; it ends with the terminal (SIGHUP).
. "$(dirname "$0")/environment.sh"
need_java
cd "$TONGWEB_HOME" || exit 1
mkdir -p logs temp
# The options are words of the file, split at blanks as the shell splits them.
# shellcheck disable=SC2046
exec "$JAVA_HOME/bin/java" $(vm_options) -Dtongweb.home="$TONGWEB_HOME" -Djava.io.tmpdir="$TONGWEB_HOME/temp" \
    -cp "$TONGWEB_HOME/lib/*" loanstack.standin.ThorBootstrap
