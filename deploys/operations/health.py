"""Waits until an HTTP endpoint answers 200."""

import shlex
from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.facts.health import HttpStatus
from deploys.operations.journal import last_words

_OK = 200


@operation()
def answers(
    url: str, deadline_s: int, unit: str, options: tuple[str, ...] = ()
) -> Generator[StringCommand, None, None]:
    """Wait until a GET from the host itself is answered with 200.

    + url: the health endpoint
    + deadline_s: time limit
    + unit: service of the endpoint, whose last log lines are shown at the time limit
    + options: further options of curl
    """
    if host.get_fact(HttpStatus, url=url, options=options) == _OK:
        host.noop(f"{url} says {_OK}")
        return
    words = ["curl", "--silent", "--fail", "--max-time", "2", "--output", "/dev/null", *options, url]
    get = " ".join(shlex.quote(word) for word in words)
    refused = shlex.quote(f"waited {deadline_s} s for {url} to say {_OK}; the end of {unit}'s log:")
    yield StringCommand(
        f"end=$(($(date +%s) + {deadline_s})); until {get}; do "
        f'[ "$(date +%s)" -lt "$end" ] || {{ echo {refused} >&2; '
        f"{last_words(unit)} >&2; exit 1; }}; sleep 0.3; done"
    )
