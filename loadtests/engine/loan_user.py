"""The Locust user: it serves the planned arrivals of its process, in place of Locust's own pacing."""

from collections.abc import Iterator

import gevent
import gevent.event
from locust import FastHttpUser, task

from loadtests.engine.generator import Generator
from loadtests.engine.journey_user import JourneyUser

_FOREVER_S = 10.0 * 365 * 86_400


class LoanUser(FastHttpUser):
    """A user of the gateways. Its requests and their times come from the run's shared schedule."""

    host = "https://gateway"
    generator: Generator | None = None
    is_broken = False
    """A user of this process failed by a fault of its own: no load was made."""
    _numbers: Iterator[int] = iter(())
    _prepared = gevent.event.Event()

    @classmethod
    def serve(cls, generator: Generator) -> None:
        """Let all users of this process serve the arrivals of `generator`."""
        cls.generator = generator
        cls._numbers = iter(generator.user_numbers)
        cls._prepared.set()

    def on_start(self) -> None:
        """Connect, and stand ready."""
        # A worker may hear of its users before it has made its plan.
        self._prepared.wait()
        assert self.generator is not None
        number = next(self._numbers, None)
        if number is None:
            # Locust gives all workers equally many users; one that has a user fewer lets this one idle.
            gevent.sleep(_FOREVER_S)
            return
        self.journey = JourneyUser(self.generator, number)
        self.journey.prepare()
        self.generator.user_ready()

    @task
    def take_arrivals(self) -> None:
        """Serve planned arrivals until none is left; Locust's own pacing would make a closed loop."""
        assert self.generator is not None
        self.journey.run()
        self.generator.user_done()
        gevent.sleep(_FOREVER_S)
