"""What of a host takes requests, and can be taken out of rotation, judged, and put back by one version."""

from dataclasses import dataclass

TOOL = "/usr/local/sbin/loanstack-rotation"
SETTINGS = "/etc/loanstack/rotation"


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """One service of a host, as `loanstack-rotation` handles it."""

    name: str
    """Letters only: the tool's first argument."""
    folder: str
    """Where its versions are, with links `current` and `previous`."""
    out_of_rotation: str
    """Folder in which each file is a reason why it gets no requests."""
    port: int
    senders: tuple[str, ...] = ()
    """Addresses that are kept from `port` while it is replaced; empty: looking for reasons is enough."""
    well_url: str
    metrics_url: str
    in_flight: str
    """The series that counts requests under way."""
    idle_in_flight: int = 0
    """What it says when nothing is but the question itself."""
    gate_url: str
    """A request that only a working service answers with 200."""
    gate_entity: str
    """Code of a legal entity, for that request."""
    drain_s: int
    back_s: float
    """How long after it is let in again senders may still leave it alone."""
    restart: str
    """Shell command that starts it anew, and returns once it answers."""
    after_roll_back: str
    """Shell command that puts the version of before in place, once the links are changed."""
