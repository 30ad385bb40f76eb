"""Which tests share a worker of pytest-xdist, where they run one after another.

pytest-xdist has a mark for this (`xdist_group`), but with pytest 9.2 its release 3.8.0 ignores the marks
without a word: it writes the group to an attribute that pytest no longer reads.
"""

import re
from collections.abc import Iterable
from typing import Any

from xdist.scheduler import LoadScopeScheduling

from inventory.model import Host, Role

DATABASES = "databases"
ENTRANCE = "entrance"
NETWORK = "network"
CONTROL = "control"
OF_MODULE = {
    "test_database": DATABASES,
    "test_failover": DATABASES,
    "test_gateway": ENTRANCE,
    "test_network": NETWORK,
}
"""Group by module, for modules whose tests look at several hosts at once."""
_TEST = re.compile(r"(?P<module>\w+)\.py::\w+(?:\[(?P<parameters>.*)\])?$", re.DOTALL)


def group_of_host(host: Host) -> str:
    """Return the group of the tests of `host`.

    Tests of a host share its SSH connection, so they are in one group. Hosts whose tests act on each other
    are in one group, too: a portal leaves its rotation for a moment, and gateways must find another; tests of
    the databases put a password into a file for a moment, which a search for secrets would find.
    """
    if host.has(Role.OCEANBASE):
        return DATABASES
    if host.has(Role.TONGWEB) or host.has(Role.GATEWAY):
        return ENTRANCE
    return host.name


def group_of_test(node: str, hosts: Iterable[Host]) -> str:
    """Return the group of a test.

    + node: pytest's name of it, such as `tests/hosts/test_services.py::test_no_unit_has_failed[gw-a]`
    + hosts: all hosts of the environment; a test's first parameter is its host
    """
    found = _TEST.search(node)
    if found is None:
        return CONTROL
    if found["module"] in OF_MODULE:
        return OF_MODULE[found["module"]]
    parameters = f"{found['parameters']}-"
    # Of `ob-a` and `ob-a-2`, the longer name is the host of `[ob-a-2-client]`.
    own = [host for host in hosts if parameters.startswith(f"{host.name}-")]
    return group_of_host(max(own, key=lambda host: len(host.name))) if own else CONTROL


class GroupScheduling(LoadScopeScheduling):
    """Sends all tests of a group to one worker."""

    def __init__(self, config: Any, log: Any, *, hosts: Iterable[Host]) -> None:
        """Know the hosts.

        + config, log: as pytest-xdist gives them
        """
        super().__init__(config, log)
        self._hosts = tuple(hosts)

    def _split_scope(self, nodeid: str) -> str:
        return group_of_test(nodeid, self._hosts)
