"""Installs packages from the depot only.

pyinfra's `dnf.packages` is not used because it runs `dnf repoquery` for every missing package (seconds each
on a first deploy), and would install from any enabled repository.
"""

from collections.abc import Generator

from pyinfra.api.command import QuoteString, StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host

from deploys.facts.packages import InstalledPackages


@operation()
def installed(names: tuple[str, ...], repository: str) -> Generator[StringCommand, None, None]:
    """Install those of `names` that are missing, in one transaction.

    + names: RPM package names
    + repository: id of the only repository to install from

    **Example:**

    .. code:: python

        packages.installed(name="Install packages", names=("nginx",), repository="loanstack-depot")
    """
    found = host.get_fact(InstalledPackages, names=names)
    missing = [name for name in names if name not in found]
    if not missing:
        host.noop(f"installed: {', '.join(names)}")
        return
    yield StringCommand(
        "dnf --assumeyes --quiet --setopt=install_weak_deps=False --disablerepo='*'",
        StringCommand("--enablerepo=", QuoteString(repository), _separator=""),
        "install",
        *(QuoteString(name) for name in missing),
    )
