"""What goes between one agent and the store: later than one wishes, not at all, or after one gave up."""

from collections.abc import Callable
from typing import Protocol

from tests.unit.failover.simulated.store import Store
from tests.unit.failover.simulated.world import STORE, Event, World


class LaterOnMe(Protocol):
    """Runs an event in an agent's own life, after a delay."""

    def __call__(self, delay: float, event: Event, *, timer: bool = True) -> None: ...


class Traffic:
    """Speaks to one member of the store at a time, and to the next when that one does not answer."""

    def __init__(self, world: World, store: Store, me: str, timeout_ms: int, on_me: LaterOnMe) -> None:
        self.world, self.store, self.me = world, store, me
        self.timeout_ms, self.on_me = timeout_ms, on_me
        self.member = me if me in store.members else store.members[0]

    def send(self, operation: Callable[[], object], answer: Callable[[object], None] | None) -> None:
        """Have `operation` take effect at the store some time later, and its answer come back later still."""
        world, member = self.world, self.member

        def arrive() -> None:
            if world.arrives(self.me, member, STORE) and self.store.serves(member):
                result = operation()
                back = member == self.me or (member, self.me, STORE) not in world.cuts
                if answer is not None and back:
                    self.on_me(world.latency(), lambda: answer(result), timer=False)

        world.after(world.latency(), arrive)

    def ask(self, operation: Callable[[], object], answer: Callable[[object], None]) -> None:
        """As `send`, but answer None after the time-out. The operation may still take effect then."""
        done = False
        member = self.member

        def reply(result: object) -> None:
            nonlocal done
            if not done:
                done = True
                if result is None:
                    self.leave(member)
                answer(result)

        self.send(operation, reply)
        self.on_me(self.timeout_ms, lambda: reply(None))

    def leave(self, member: str) -> None:
        """Turn from `member` to the next, unless that has been done."""
        members = self.store.members
        if self.member == member:
            self.member = members[(members.index(member) + 1) % len(members)]
