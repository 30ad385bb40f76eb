"""What a load's master and its workers say to each other, beside what Locust itself lets them say.

| from | message | means | carries |
|---|---|---|---|
| worker | `HELLO` | it is connected | `place`, `token` |
| master | `PLAN` | make this share of the load | `options`, `number`, `of` |
| worker | `REFUSED` | it cannot, and ends | `problems` |
| worker | `READY` | all its users stand | |
| master | `CLOCK` | what time is it? | `question` |
| worker | `CLOCK` | the answer | `question`, `at_s` |
| master | `BEGIN` | the first arrival is due then | `at_s` |
| worker | `STATUS` | once a second | `Status` |
| worker | `DONE` | every arrival has its outcome | `Status` |
| master | `END` | send what is due, complete the record, and end | |

The token is the load's own: the master started the workers with it, and takes no other process for one.
Times are unix seconds. The names carry a prefix, because Locust has messages of its own.
"""

from typing import TypedDict

HELLO = "load-hello"
PLAN = "load-plan"
REFUSED = "load-refused"
READY = "load-ready"
CLOCK = "load-clock"
BEGIN = "load-begin"
STATUS = "load-status"
DONE = "load-done"
END = "load-end"

FROM_WORKERS = (HELLO, REFUSED, READY, CLOCK, STATUS, DONE)


class Status(TypedDict):
    """How a worker stands."""

    acknowledged: int
    errors: int
    late: int
    """Arrivals that are due and not started."""
    cpu_percent: float
    memory_mib: float
