"""Applies the settings of a sysctl file to the running kernel."""

import shlex
from collections.abc import Generator

from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.facts.kernel import KernelSettings


@operation()
def settings_applied(
    settings: tuple[tuple[str, str], ...], path: str, why_not: str | None = None
) -> Generator[StringCommand, None, None]:
    """Load `path` if the kernel differs from it.

    + settings: (key, value) pairs of the file
    + path: the file in /etc/sysctl.d
    + why_not: reason not to change this kernel; None if it is the host's own
    """
    if why_not is not None:
        host.noop(f"{path} is written and not applied: {why_not}")
        return
    now = host.get_fact(KernelSettings, keys=tuple(key for key, _ in settings))
    if all(now.get(key) == value for key, value in settings):
        host.noop(f"the kernel runs with {path}")
        return
    yield StringCommand(f"sysctl --quiet --load={shlex.quote(path)}")
