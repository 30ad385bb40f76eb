"""One user: takes planned arrivals, sends their requests, and enters the outcomes into its state."""

import time
from collections.abc import Mapping
from random import Random

from gevent import GreenletExit

from loadtests.engine.generator import Generator, new_key
from loadtests.plan.scenarios import SCENARIOS
from loadtests.plan.schedule import Arrival
from loadtests.transport import exchange
from loadtests.transport.connections import Connections
from loadtests.users import steps
from loadtests.users.journey import UserState
from loadtests.users.shared_limits import SharedLimitState
from loadtests.users.steps import Answer, Step
from proof.record import Outcome


class JourneyUser:
    """One user: its customers, its states, its connections."""

    def __init__(self, generator: Generator, number: int) -> None:
        """Take over the share of user `number` (from 0) in `generator`'s population."""
        self._generator = generator
        self._states = _states(generator, number)
        self._connections = Connections(generator.targets, first=number, deadline_s=generator.deadline_s)

    def prepare(self) -> None:
        """Connect, and query the state of the watched customers, or of another customer if there are none.

        The query keeps the connection open: a gateway closes a connection without a request for some
        seconds, and a thousand users take that long to get ready.
        """
        with self._generator.preparing:
            self._prepare()

    def _prepare(self) -> None:
        self._connections.connect()
        watched = [(state, borrower) for state in self._states.values() for borrower in state.watched()]
        for state, borrower in watched:
            answer = self._read(steps.read_limit(borrower))
            if answer is not None:
                state.observe(borrower, answer)
        if not watched:
            self._read(next(iter(self._states.values())).read())

    def run(self) -> None:
        """Serve arrivals until there are none left."""
        while (arrival := self._generator.next_arrival()) is not None:
            self._generator.request_begins()
            try:
                self._serve(arrival)
            finally:
                self._generator.request_ended()
        self._connections.close()

    def _serve(self, arrival: Arrival) -> None:
        state = self._states[arrival.entity]
        # Had this user been free in time, its queries would have been sent so much earlier, too.
        late_s = max(time.time() - arrival.planned_s, 0.0)
        step = state.plan(arrival.operation)
        answer = self._write(state, step, arrival)
        if answer is not None and step.operation == "freeze" and isinstance(step.subject, steps.Borrower):
            self._read(steps.read_limit(step.subject, status="frozen"), late_s)
        for _ in range(arrival.reads):
            self._read(state.read(), late_s)

    def _write(self, state: UserState | SharedLimitState, step: Step, arrival: Arrival) -> Answer | None:
        key, started_s = new_key(), time.time()
        try:
            record, answer = exchange.write(
                self._connections, step, key=key, arrival=arrival, clock=time.time
            )
        except GreenletExit:
            self._generator.record_write(
                exchange.interrupted(step, key=key, arrival=arrival, started_s=started_s, ended_s=time.time())
            )
            raise
        self._generator.record_write(record)
        state.apply_result(step, Outcome(record.outcome), record.status, answer)
        return answer

    def _read(self, step: Step, late_s: float = 0.0) -> Answer | None:
        record, answer = exchange.read(self._connections, step, clock=time.time, late_s=late_s)
        self._generator.record_read(record)
        return answer


def _states(generator: Generator, number: int) -> Mapping[str, UserState | SharedLimitState]:
    """Return the states of user `number`: one, or one for each legal entity that arrivals are planned for."""
    asked, people = generator.options, generator.population
    scenario, users = SCENARIOS[asked.scenario], asked.users
    random = Random(f"{asked.run_seed}/{number}")  # noqa: S311  # repeatability, not secrecy
    if scenario.hot_limits:
        hot = scenario.hot_limits
        return {
            "": SharedLimitState(population=people, user=number, users=users, hot_limits=hot, random=random)
        }
    parts = {"": people}
    if scenario.storm:
        parts = {entity: people.of_entity(entity) for entity in people.entities}
    return {
        entity: UserState(population=part, user=number, users=users, random=random)
        for entity, part in parts.items()
    }
