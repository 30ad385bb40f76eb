# Read by bash before a script (BASH_ENV): SECONDS counts what the script has slept, and sleeping takes no time.
unset SECONDS # an ordinary variable from here on
SECONDS=0 _slept_ms=0
sleep() {
    local whole=${1%%.*} part=0
    if [[ $1 == *.* ]]; then part=${1#*.}; fi
    part=${part}000
    _slept_ms=$((_slept_ms + 10#$whole * 1000 + 10#${part:0:3}))
    SECONDS=$((_slept_ms / 1000))
}
