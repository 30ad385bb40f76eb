"""One worker's share of a load. Pure.

All workers compute the same plan and the same customers. Arrival i (from 0) belongs to worker i mod N, so
each worker has an even part of every second. User u belongs to worker u mod N and has the same customers as
in a load of one process, so no two workers touch the same limit.
"""

from dataclasses import dataclass, replace

from loadtests.plan.schedule import Plan


@dataclass(frozen=True, kw_only=True)
class Share:
    """Number of a worker, and how many workers there are."""

    number: int
    """From 1."""
    of: int

    def users(self, total: int) -> range:
        """Return the numbers (from 0) of this worker's users among `total`."""
        return range(self.number - 1, total, self.of)

    def plan(self, whole: Plan) -> Plan:
        """Return this worker's part of a plan; its arrivals keep their numbers, times and queries."""
        return replace(
            whole,
            rate_per_s=whole.rate_per_s / self.of,
            offsets_s=whole.offsets_s[self.number - 1 :: self.of],
            operations=whole.operations[self.number - 1 :: self.of],
            entities=whole.entities[self.number - 1 :: self.of],
            first=self.number - 1,
            stride=self.of,
        )


WHOLE = Share(number=1, of=1)
"""The share of a load that one process makes."""
