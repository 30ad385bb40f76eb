"""Locust's master of one load: it holds the connections to the workers, and gives them their users.

It listens on the loopback address alone. Workers on hosts reach it through their SSH session (`remote`).
"""

import hmac
import logging
import math
import time
from collections.abc import Callable, Container, Mapping
from typing import Any, NoReturn

import gevent
from locust.env import Environment as LocustEnvironment
from locust.event import Events
from locust.runners import MasterRunner

from loadtests.engine.loan_user import LoanUser
from loadtests.engine.progress import say
from loadtests.workers import messages

_LOOPBACK = "127.0.0.1"
_ANY_FREE_PORT = 0
_FOREVER_S = 10.0 * 365 * 86_400
_PAUSE_S = 0.01
_STRANGERS_NAMED_MAX = 20
"""So that nobody fills the log: more are dropped without a word."""
_SHOWN = 200

Heard = Callable[[str, str, Mapping[str, Any], float], None]
"""Called with place, message, what it carries, and when it came (unix seconds)."""


class _Runner(MasterRunner):
    """Locust's master, which leaves to our monitor which worker is lost, and is not upset by strangers.

    Locust takes a worker for missing after 4 s, stops the users of all where all are missing, and gives users
    out anew where one comes late: a stall would then hang a load whose arrivals belong to those very users.
    Whoever has an account on this machine may connect to its port.
    """

    is_full = False
    """All workers are there: who says that it is ready is none of them."""

    def __init__(self, environment: LocustEnvironment, drop: Callable[[str, str], None]) -> None:
        """Begin to listen.

        + drop: called with the name of each stranger, and why it is one
        """
        self._drop = drop
        super().__init__(environment, _LOOPBACK, _ANY_FREE_PORT)

    def heartbeat_worker(self) -> NoReturn:
        """Watch nothing; signs of life are answered as they come."""
        while True:
            gevent.sleep(_FOREVER_S)

    def client_listener(self) -> NoReturn:
        """Handle each message; one that cannot be read or understood is none."""
        while True:
            try:
                client_id, message = self.server.recv_from_client()  # type: ignore[no-untyped-call]
                if self.is_full and client_id not in self.clients:
                    self._drop(client_id, "came when all workers were there")
                else:
                    self.handle_message(client_id, message)
            except Exception:
                gevent.sleep(_PAUSE_S)


class Master:
    """The master; create it once in a process."""

    def __init__(self, heard: Heard, *, places: Container[str], token: str) -> None:
        """Begin to listen.

        + heard: told of every message of a worker, its `HELLO` included
        + places: where workers are expected; the first that says it is there, is it
        + token: what the workers of this load show; whoever does not is a stranger
        """
        # Users are given out at once, of which it warns; and a lost worker is our own finding.
        logging.getLogger("locust").setLevel(logging.CRITICAL)
        self._heard = heard
        self._places = places
        self._token = token.encode()
        self._clients: dict[str, str] = {}
        self._strangers: set[str] = set()
        events = Events()  # type: ignore[no-untyped-call]  # Locust's events have no types
        environment = LocustEnvironment(user_classes=[LoanUser], events=events)
        self._runner = environment.runner = _Runner(environment, self._drop)
        for name in messages.FROM_WORKERS:
            self._runner.register_message(name, self._hear)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port on which workers are awaited."""
        return _LOOPBACK, int(self._runner.server.port)

    def tell(self, place: str, name: str, data: Mapping[str, Any] | None = None) -> None:
        """Send a message to the worker at `place`; nothing happens if there is none, or no longer."""
        client = self._clients.get(place)
        if client is not None and client in self._runner.clients:
            self._runner.send_message(name, None if data is None else dict(data), client)

    def spawn_users(self, users: int, *, workers: int) -> None:
        """Have Locust spawn the users of the workers, all at once, and return without waiting for them.

        Each worker gets equally many, because which one would get fewer is not ours to say: a user for whom
        a worker has no number idles.
        """
        for stranger in set(self._runner.clients) - set(self._clients.values()):
            self._drop(stranger, "never said which worker it is")
        self._runner.is_full = True
        total = workers * math.ceil(users / workers)
        gevent.spawn(self._runner.start, total, float(total))

    def close(self) -> None:
        """End whatever worker is still connected, and listen no more."""
        self._runner.quit()
        self._runner.server.close(linger=0)  # type: ignore[no-untyped-call]

    def _hear(self, msg: Any, **_: object) -> None:  # noqa: ANN401 - Locust's message, without types
        data = msg.data or {}
        if msg.type == messages.HELLO:
            if not hmac.compare_digest(str(data.get("token")).encode(), self._token):
                self._drop(msg.node_id, f"said it was {data.get('place')!r}, without the token of this load")
                return
            if data["place"] in self._places:
                self._clients.setdefault(data["place"], msg.node_id)
        for place, client in self._clients.items():
            if client == msg.node_id:
                self._heard(place, msg.type, data, time.time())

    def _drop(self, client: str, why: str) -> None:
        """Take a client for none of the workers, and name it the first time."""
        if client in self._clients.values():
            return
        if client in self._runner.clients:
            del self._runner.clients[client]
        if client not in self._strangers and len(self._strangers) < _STRANGERS_NAMED_MAX:
            self._strangers.add(client)
            say(f"a stranger at the master's port, {client[:_SHOWN]!r}, {why[:_SHOWN]}: it is not heard")
