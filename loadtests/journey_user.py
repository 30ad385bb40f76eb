"""One user: takes planned arrivals, sends them, and enters what came of it into its books."""

import time
from random import Random

from gevent import GreenletExit

from loadtests import exchange, steps
from loadtests.connections import Connections
from loadtests.generator import Generator, new_key
from loadtests.journey import Books
from loadtests.ledger import Outcome
from loadtests.schedule import Arrival
from loadtests.steps import Answer, Step


class JourneyUser:
    """One user: its customers, its books, its connections."""

    def __init__(self, generator: Generator, number: int) -> None:
        """Take over the share of user `number` (from 0) in `generator`'s population."""
        self._generator = generator
        self._books = Books(
            population=generator.population,
            user=number,
            users=generator.options.users,
            random=Random(f"{generator.options.run_seed}/{number}"),  # noqa: S311  # repeatability, not secrecy
        )
        self._connections = Connections(generator.targets, first=number, deadline_s=generator.deadline_s)

    def prepare(self) -> None:
        """Connect, and ask for the state of the watched customers."""
        self._connections.connect()
        for borrower in self._books.watched():
            answer = self._read(steps.read_limit(borrower))
            if answer is not None:
                self._books.learn(borrower, answer)

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
        step = self._books.plan(arrival.operation)
        answer = self._write(step, arrival)
        if answer is not None and step.operation == "freeze" and isinstance(step.subject, steps.Borrower):
            self._read(steps.read_limit(step.subject, status="frozen"))
        for _ in range(arrival.reads):
            self._read(self._books.read())

    def _write(self, step: Step, arrival: Arrival) -> Answer | None:
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
        self._books.settle(step, Outcome(record.outcome), record.status, answer)
        return answer

    def _read(self, step: Step) -> Answer | None:
        record, answer = exchange.read(self._connections, step, clock=time.time)
        self._generator.record_read(record)
        return answer
