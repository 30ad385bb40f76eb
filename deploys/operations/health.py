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
    yield StringCommand(until_it_answers(url, deadline_s, unit, options))


def until_it_answers(url: str, deadline_s: int, unit: str, options: tuple[str, ...] = ()) -> str:
    """Return the shell command that waits until a GET is answered with 200; arguments as of `answers`."""
    words = ["curl", "--silent", "--fail", "--max-time", "2", "--output", "/dev/null", *options, url]
    refused = shlex.quote(f"waited {deadline_s} s for {url} to say {_OK}; the end of {unit}'s log:")
    return (
        f"end=$(($(date +%s) + {deadline_s})); until {shlex.join(words)}; do "
        f'[ "$(date +%s)" -lt "$end" ] || {{ echo {refused} >&2; '
        f"{last_words(unit)} >&2; exit 1; }}; sleep 0.3; done"
    )
