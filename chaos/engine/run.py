"""The course of one drill, which is judged later."""

from dataclasses import dataclass, field

from chaos.system.world import WorldError
from proof.history import FaultWindow
from proof.record import Event


class HypothesisUnmetError(WorldError):
    """The system was not in the state that the drill assumes, so nothing was injected."""


class NoEffectError(WorldError):
    """There is no evidence that the fault acted, so the drill proves nothing."""


@dataclass(kw_only=True)
class Run:
    """One drill that was run; filled step by step, so that it is usable even if the drill ends early."""

    drill: str
    invalid: list[str] = field(default_factory=list)
    """Why it proves nothing."""
    spoiled: list[str] = field(default_factory=list)
    """Why the run did not go as planned, so that its failures say nothing about the system."""
    failures: list[str] = field(default_factory=list)
    residue: list[str] = field(default_factory=list)
    """Things that the heal did not undo."""
    interrupted: bool = False
    durability: str | None = None
    """Durability that the agents reported before the fault; None if they did not report it."""
    fault: FaultWindow | None = None
    recovered_s: float | None = None
    """When the drill's expectation was seen to be met."""
    undone_s: float | None = None
    """When the fault was undone while clients were still writing."""
    heal_s: float | None = None
    """Duration of the heal, until the standby followed again."""
    clients_until_s: float | None = None
    """When the clients were told to stop."""
    exported: bool = False
    steps: list[tuple[str, float]] = field(default_factory=list)
    timeline: list[Event] = field(default_factory=list)
