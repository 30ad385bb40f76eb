"""Environment files (`NAME=value` lines, as systemd reads them), for tools that are started by hand. Pure."""

from collections.abc import Mapping


def parse(text: str) -> dict[str, str]:
    """Return the variables of an environment file; comments, blank lines and outer quotes are dropped."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, separator, value = line.strip().partition("=")
        if not separator or name.startswith("#"):
            continue
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        found[name.strip()] = value
    return found


def merged(environment: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Return both; where a variable is in both, the process's own environment wins."""
    return {**more, **environment}
