#!/bin/sh
# Starts the server in the background; it outlives the terminal.
. "$(dirname "$0")/environment.sh"
need_java
mkdir -p "$TONGWEB_HOME/logs"
nohup "$TONGWEB_HOME/bin/startserver.sh" > /dev/null 2> "$TONGWEB_HOME/logs/startup.log" &
echo "server is starting; see $TONGWEB_HOME/logs/server.log"
