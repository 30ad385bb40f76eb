"""What goes between one agent and etcd: later than one wishes, not at all, or after one gave up."""

from collections.abc import Callable
from typing import Protocol

from tests.unit.failover.simulated.etcd import Etcd
from tests.unit.failover.simulated.world import ETCD, Event, World


class LaterOnMe(Protocol):
    """Runs an event in an agent's own life, after a delay."""

    def __call__(self, delay: float, event: Event, *, timer: bool = True) -> None: ...


class Traffic:
    """Speaks to one member of etcd at a time, and to the next when that one does not answer."""

    def __init__(self, world: World, etcd: Etcd, me: str, timeout_ms: int, on_me: LaterOnMe) -> None:
        self.world, self.etcd, self.me = world, etcd, me
        self.timeout_ms, self.on_me = timeout_ms, on_me
        self.member = me if me in etcd.members else etcd.members[0]

    def send(self, operation: Callable[[], object], answer: Callable[[object], None] | None) -> None:
        """Have `operation` take effect at etcd some time later, and its answer come back later still."""
        world, member = self.world, self.member

        def arrive() -> None:
            if world.arrives(self.me, member, ETCD) and self.etcd.serves(member):
                result = operation()
                back = member == self.me or (member, self.me, ETCD) not in world.cuts
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
        members = self.etcd.members
        if self.member == member:
            self.member = members[(members.index(member) + 1) % len(members)]
