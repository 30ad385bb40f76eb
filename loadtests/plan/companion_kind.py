"""What a scenario declares of a program that runs beside its traffic. Plain data: `loanstack` starts it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CompanionOption:
    """An option of `loanstack load` that only scenarios with this companion have."""

    name: str
    """As a parameter, such as `analytics_on`."""
    choices: tuple[str, ...]
    default: str
    meaning: str
    """What it chooses, for `--help`."""

    @property
    def flag(self) -> str:
        """The option on the command line."""
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True, kw_only=True)
class CompanionKind:
    """A kind of companion; `loanstack.companions.catalogue` knows how to build it."""

    title: str
    duration_s: float = 0.0
    """How long its load is measured when nobody says; 0: as long as any other load."""
    duration_note: str = ""
    """What `--help` says about that."""
    needs_long_load_for: str | None = None
    """What the short probes of a search for the capacity cannot show; None: it may run beside them."""
    options: tuple[CompanionOption, ...] = ()
