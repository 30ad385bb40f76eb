"""What an environment is for, and what may be done to it because of that."""

from collections.abc import Collection
from enum import StrEnum


class Purpose(StrEnum):
    """What an environment is for."""

    LAB = "lab"
    """Stand-ins that exist to be broken: nothing is asked."""
    REHEARSAL = "rehearsal"
    """Real hosts without a bank's business: whoever loads or breaks them types its name."""
    PRODUCTION = "production"
    """A bank's business: nothing is invented there, and nothing is broken."""


class Action(StrEnum):
    """What would be dangerous in the wrong place."""

    LOAD = "load"
    SEED = "seed"
    DRILL = "drill"
    COMPARE = "compare"
    UPGRADE = "upgrade"


_HARM = {
    Action.LOAD: "its writes are invented, and would stand among the bank's own",
    Action.SEED: "its customers are invented, and would stand among the bank's own",
    Action.DRILL: "it breaks what customers depend on",
    Action.COMPARE: "it puts another database in the place of the bank's",
}
"""Why production refuses it."""

ALLOWED = {
    Purpose.LAB: frozenset(Action),
    Purpose.REHEARSAL: frozenset(Action),
    Purpose.PRODUCTION: frozenset(Action) - set(_HARM),
}
"""The most that an environment may allow."""

CONSENT_VARIABLE = "LOANSTACK_YES"
"""Names the environment that may be loaded or broken; `--yes` sets it, for programs that are started too."""


class NotAllowedError(Exception):
    """Something that must not be done to an environment; the message says why, and what to change."""


class ConsentNeededError(NotAllowedError):
    """Something that may be done once somebody has named the environment."""


def require(
    name: str,
    purpose: Purpose,
    allows: Collection[Action],
    actions: Collection[Action],
    *,
    consent: str | None,
) -> None:
    """Make sure that `actions` may be done to an environment; contacts nothing.

    + name: of the environment
    + allows: what its inventory allows
    + consent: the environment that somebody has named

    Raises:
        NotAllowedError: its inventory, or its purpose, does not allow one of them.
        ConsentNeededError: it is a rehearsal, and nobody has named it.
    """
    refused = [action for action in actions if action not in allows]
    if refused:
        raise NotAllowedError(_refusal(name, purpose, allows, refused[0]))
    harmful = [action for action in actions if action in _HARM]
    if harmful and purpose is Purpose.REHEARSAL and consent != name:
        named = "" if consent is None else f" ({consent!r} was named)"
        raise ConsentNeededError(
            f"environment {name} is a rehearsal on real hosts, and {' and '.join(harmful)} would act on them;"
            f" nothing was contacted. Name it to go on{named}: --yes {name}, or {CONSENT_VARIABLE}={name}"
        )


def _refusal(name: str, purpose: Purpose, allows: Collection[Action], action: Action) -> str:
    where = f"inventory/{name}.py"
    allowed = ", ".join(sorted(allows)) or "nothing of the kind"
    if action in ALLOWED[purpose]:
        return (
            f"environment {name} does not allow {action}; nothing was contacted. It allows: {allowed}; to"
            f" change that, give `allows` in {where}"
        )
    return (
        f"environment {name} is for production, and allows no {action}: {_HARM[action]}; nothing was"
        f" contacted. It allows: {allowed}. Rehearse on other hosts, whose inventory says"
        " purpose=Purpose.REHEARSAL"
    )
