"""The locustfile, with patient users for a starved machine; the example of real hosts may be rehearsed."""

from dataclasses import replace

from inventory import purpose, qinghai
from loadtests.engine import generator
from loadtests.transport import connections

qinghai.ENVIRONMENT = replace(qinghai.ENVIRONMENT, purpose=purpose.Purpose.REHEARSAL)

PATIENCE_S = 200.0

generator.UNSENT_AFTER_S = connections.CONNECT_TIMEOUT_S = PATIENCE_S
_prepare = connections.Connection.__init__


def _patiently(self: connections.Connection, target: connections.Target, *, deadline_s: float) -> None:
    _prepare(self, target, deadline_s=max(deadline_s, PATIENCE_S))


connections.Connection.__init__ = _patiently  # type: ignore[method-assign]

from loadtests.locustfile import *  # noqa: E402, F403 - it takes over what stands above
