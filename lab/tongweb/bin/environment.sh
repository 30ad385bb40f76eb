# Read by the other scripts: where the installation is, which Java runs it, and with what options.
TONGWEB_HOME=$(cd "$(dirname "$0")/.." && pwd -P)
PID_FILE=$TONGWEB_HOME/tongweb.pid

need_java() {
    if [ -z "${JAVA_HOME:-}" ]; then
        echo "JAVA_HOME was not setted." >&2
        exit 1
    fi
    if [ ! -x "$JAVA_HOME/bin/java" ]; then
        echo "JAVA_HOME directory is wrong" >&2
        exit 1
    fi
}

# The file holds one option a line; lines that begin with # name its sections.
vm_options() {
    sed -e '/^[[:space:]]*#/d' -e '/^[[:space:]]*$/d' "$TONGWEB_HOME/bin/external.vmoptions"
}

run_java() {
    "$JAVA_HOME/bin/java" -Dtongweb.home="$TONGWEB_HOME" -cp "$TONGWEB_HOME/lib/*" "$@"
}

# Prints the server's process id, if it runs.
server_pid() {
    [ -r "$PID_FILE" ] || return 0
    read -r pid < "$PID_FILE"
    case $(tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null) in
        *ThorBootstrap*) echo "$pid" ;;
    esac
}
