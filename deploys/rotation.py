"""Services of a host that can be taken out of rotation, tested, put back, and rolled back by one version.

Their tool, and its settings for each service, belong to every component with such a service.
"""

from dataclasses import asdict, dataclass

from deploys.content import ConfigFile, json_text
from deploys.host_tools.spec import command

TOOL = "/usr/local/sbin/loanstack-rotation"
SETTINGS = "/etc/loanstack/rotation"


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """One service of a host, as `loanstack-rotation` handles it."""

    name: str
    """Letters only: the tool's first argument."""
    folder: str
    """Folder of its versions, with links `current` and `previous`."""
    out_of_rotation: str
    """Folder in which each file is a reason to be out of rotation."""
    port: int
    senders: tuple[str, ...] = ()
    """Addresses that are blocked from `port` while it is replaced; empty: checking the reasons is enough."""
    well_url: str
    metrics_url: str
    in_flight: str
    """Metric that counts requests under way."""
    idle_in_flight: int = 0
    """Value of the metric when only its own query is under way."""
    smoke_test_url: str
    """A request that only a working service answers with 200."""
    smoke_test_entity: str
    """Code of a legal entity, for that request."""
    smoke_test_requests: int = 40
    drain_s: int
    back_s: float
    """How long senders may still not use it after it was put back."""
    restart: tuple[tuple[str, ...], ...]
    """Commands that restart it."""
    after_roll_back: tuple[tuple[str, ...], ...]
    """Commands that activate the previous version, after the links were changed."""
    ready_s: float = 0.0
    """Time limit for it to be well after these commands, in seconds; 0: they wait for that themselves."""


def files_of(services: tuple[Rotation, ...]) -> tuple[ConfigFile, ...]:
    """Return the tool, and its settings for each of `services`."""
    return (
        command(TOOL, "rotation"),
        *(
            ConfigFile(path=f"{SETTINGS}/{service.name}.json", content=json_text(asdict(service)))
            for service in services
        ),
    )
