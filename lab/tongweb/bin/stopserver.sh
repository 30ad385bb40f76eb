#!/bin/sh
# stopserver.sh [quick [SECONDS]]: stops the server; `quick` ends it by force when SECONDS (20) are over.
. "$(dirname "$0")/environment.sh"
pid=$(server_pid)
if [ -z "$pid" ]; then
    echo "server is not running"
    exit 0
fi
left_s=1800
[ "${1:-}" = quick ] && left_s=${2:-20}
kill -TERM "$pid"
while [ -n "$(server_pid)" ] && [ "$left_s" -gt 0 ]; do
    sleep 1
    left_s=$((left_s - 1))
done
if [ -n "$(server_pid)" ]; then
    echo "server did not stop in time: ended by force"
    kill -KILL "$pid"
fi
echo "server stopped"
