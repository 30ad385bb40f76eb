"""What all unit tests share."""

from typing import TYPE_CHECKING

import pytest

import tests.unhurried  # noqa: F401  (sets the pace of property tests)
from tests import inherited_signals

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import Scheduling

SHARED = ("tongweb/test_portal.py", "tongweb/test_pages.py")
"""Files whose tests share a server or a browser, which are slow to start."""


def pytest_configure() -> None:
    """Let no ignored signal be inherited by what the tests start."""
    inherited_signals.heard()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "Scheduling":
    """Deal tests out one by one to the test processes, and those that share something to one of them."""
    from xdist.scheduler import LoadScopeScheduling

    class Scheduler(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return file if file.endswith(SHARED) else nodeid

    return Scheduler(config, log)
