"""What a drill did, before anybody judges it."""

from dataclasses import dataclass, field

from chaos.system.world import WorldError
from proof.history import FaultWindow
from proof.record import Event


class HypothesisUnmetError(WorldError):
    """The system was not as the drill assumes, so nothing was injected."""


class NoEffectError(WorldError):
    """Nothing shows that the fault acted, so whatever followed proves nothing."""


@dataclass(kw_only=True)
class Run:
    """One drill that was run; filled step by step, so that it holds what is known whenever it breaks off."""

    drill: str
    invalid: list[str] = field(default_factory=list)
    """Why it proves nothing."""
    spoiled: list[str] = field(default_factory=list)
    """What made it another run than the planned one: nothing that failed in it is the system's fault."""
    failures: list[str] = field(default_factory=list)
    residue: list[str] = field(default_factory=list)
    """What the heal did not undo."""
    interrupted: bool = False
    durability: str | None = None
    """When writes were acknowledged, as the agents said before the fault; None if they did not."""
    fault: FaultWindow | None = None
    recovered_s: float | None = None
    """When what the drill expects was seen to have happened."""
    undone_s: float | None = None
    """When the fault was undone while clients went on."""
    heal_s: float | None = None
    """How long the heal took, until the standby followed again."""
    clients_until_s: float | None = None
    """When the clients were told to stop."""
    exported: bool = False
    steps: list[tuple[str, float]] = field(default_factory=list)
    timeline: list[Event] = field(default_factory=list)
