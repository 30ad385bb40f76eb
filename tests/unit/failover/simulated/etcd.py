"""etcd as its clients see it: etcd with three members, its leader, leases and their ends."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from failover.core.observed import Leadership, Request
from tests.unit.failover.simulated.world import ETCD, World

ELECTION_MS = (1000, 2000)
"""How long etcd is without a leader after it lost one."""


@dataclass
class GrantedLease:
    ttl_ms: float
    expires_at: float
    revoke_late_ms: float


class Etcd:
    """Linearizable: an operation takes effect at one moment, if a majority stands behind the leader."""

    def __init__(self, world: World, members: tuple[str, ...], ttl_ms: int) -> None:
        self.world, self.members, self.ttl_ms = world, members, ttl_ms
        self.down: set[str] = set()
        """Members whose process does not run."""
        self.leader: str | None = members[0]
        self.revision = 1
        self.leadership: Leadership | None = None
        self.lease_key: int | None = None
        """The granted lease that the key `lease` hangs on."""
        self.leases: dict[int, GrantedLease] = {}
        self.member_keys: dict[str, tuple[int, dict[str, object]]] = {}
        self.request: Request | None = None
        self.paused = False
        self.last_automatic_at: float | None = None
        self.history: list[tuple[float, Leadership]] = []
        self.watchers: list[Callable[[Leadership | None, Leadership], None]] = []
        self.elections = 0
        self._electing = False
        world.connectivity_changed.append(self.reconsider)

    def _up(self, member: str) -> bool:
        host = self.world.hosts[member]
        return host.on and not host.frozen and member not in self.down

    def _followers(self, leader: str) -> int:
        return sum(self._up(m) and (m == leader or self.world.talk(leader, m, ETCD)) for m in self.members)

    def _could_lead(self, member: str) -> bool:
        return self._up(member) and self._followers(member) * 2 > len(self.members)

    def serves(self, member: str) -> bool:
        """Say whether an operation that reaches `member` now takes effect."""
        leader = self.leader
        if leader is None or not self._up(member):
            return False
        return member == leader or self.world.talk(leader, member, ETCD)

    def reconsider(self) -> None:
        """Lose the leader if no majority is behind it, and have one elected later."""
        if self.leader is not None:
            if self._could_lead(self.leader):
                return
            self.expire()
            self.leader = None
        if not self._electing:
            self._electing = True
            self.world.after(self.world.chance.uniform(*ELECTION_MS), self._elect)

    def change_leader(self) -> None:
        """Let another member lead at once, as after a hand over of the lead."""
        others = [m for m in self.members if m != self.leader and self._could_lead(m)]
        if self.leader is not None and others:
            self.expire()
            self._lead(self.world.chance.choice(others))

    def _elect(self) -> None:
        self._electing = False
        able = [m for m in self.members if self._could_lead(m)]
        if able:
            self._lead(self.world.chance.choice(able))
        else:
            self.reconsider()

    def _lead(self, member: str) -> None:
        """A new leader extends every lease by a full TTL: it does not know how much of it has passed."""
        self.leader = member
        self.elections += 1
        for lease in self.leases.values():
            lease.expires_at = self.world.now + lease.ttl_ms

    def expire(self) -> None:
        if self.leader is None:
            return
        now = self.world.now
        for number, lease in list(self.leases.items()):
            if now > lease.expires_at + lease.revoke_late_ms:
                del self.leases[number]
                if self.lease_key == number:
                    self.lease_key = None

    # Operations: each is called at the moment it takes effect.

    def grant(self) -> int:
        chance = self.world.chance
        number = chance.getrandbits(60)
        ttl_ms = self.ttl_ms * chance.uniform(0.99, 1.01)
        self.leases[number] = GrantedLease(ttl_ms, self.world.now + ttl_ms, chance.uniform(0, 500))
        return number

    def keep_alive(self, number: int) -> bool:
        self.expire()
        lease = self.leases.get(number)
        if lease is None:
            return False
        lease.expires_at = self.world.now + lease.ttl_ms
        return True

    def write(self, revision: int, new: Leadership, request: str | None = None) -> bool:
        """Replace `leader` if it is still at `revision`; delete the request along with it."""
        old = self.leadership
        if (old.revision if old else 0) != revision:
            return False
        self.revision += 1
        self.leadership = replace(new, revision=self.revision, unchanged_ms=0)
        self.history.append((self.world.now, self.leadership))
        if request is not None:
            self.delete_request(request)
        for tell in self.watchers:
            tell(old, self.leadership)
        return True

    def hang_lease_on(self, number: int) -> None:
        self.lease_key = number if number in self.leases else None

    def delete_request(self, identity: str) -> None:
        if self.request is not None and self.request.id == identity:
            self.request = None
