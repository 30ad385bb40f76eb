#!/bin/sh
# Ends the server by force.
. "$(dirname "$0")/environment.sh"
pid=$(server_pid)
if [ -n "$pid" ]; then
    kill -KILL "$pid"
fi
echo "server stopped"
