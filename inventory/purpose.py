"""The purpose of an environment, and the actions that it allows."""

from collections.abc import Collection
from enum import StrEnum


class Purpose(StrEnum):
    """Purpose of an environment."""

    LAB = "lab"
    """Stand-ins that exist to be broken: no confirmation is needed."""
    REHEARSAL = "rehearsal"
    """Real hosts without a bank's business: a person who loads or breaks them must type the name."""
    PRODUCTION = "production"
    """A bank's business: no invented data are written there, and nothing is broken."""


class Action(StrEnum):
    """Actions that are dangerous in the wrong environment."""

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
"""Why production refuses an action."""

ALLOWED = {
    Purpose.LAB: frozenset(Action),
    Purpose.REHEARSAL: frozenset(Action),
    Purpose.PRODUCTION: frozenset(Action) - set(_HARM),
}
"""Actions that an environment of each purpose may allow at most."""

CONSENT_VARIABLE = "LOANSTACK_YES"
"""Variable that names the environment that may be loaded or broken; `--yes` sets it, for children too."""


class NotAllowedError(Exception):
    """An action is not allowed in an environment; the message says why, and what to change."""


class ConsentNeededError(NotAllowedError):
    """An action is allowed only after a person has named the environment."""


def require(
    name: str,
    purpose: Purpose,
    allows: Collection[Action],
    actions: Collection[Action],
    *,
    consent: str | None,
) -> None:
    """Check that `actions` are allowed in an environment; contacts no host.

    + name: name of the environment
    + allows: actions that its inventory allows
    + consent: name of the environment that a person has given

    Raises:
        NotAllowedError: its inventory or its purpose does not allow one of the actions.
        ConsentNeededError: it is a rehearsal, and no person has named it.
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


def require_named(name: str, purpose: Purpose, *, consent: str | None) -> None:
    """Check that a person has named an environment whose hosts are real before its hosts are tested.

    + name: name of the environment
    + consent: name of the environment that a person has given

    Raises:
        ConsentNeededError: it is not a lab, and no person has named it.
    """
    if purpose is Purpose.LAB or consent == name:
        return
    named = "" if consent is None else f" ({consent!r} was named)"
    raise ConsentNeededError(
        f"environment {name} is for {purpose}, and the host tests act on its hosts: each portal leaves its"
        f" rotation for a moment; nothing was contacted. Name it to go on{named}: --yes {name}, or"
        f" {CONSENT_VARIABLE}={name}"
    )


def _refusal(name: str, purpose: Purpose, allows: Collection[Action], action: Action) -> str:
    where = f"inventory/{name}.py"
    allowed = ", ".join(sorted(allows)) or "nothing of the kind"
    others = f"Of what an inventory may refuse it allows: {allowed}"
    if action in ALLOWED[purpose]:
        return (
            f"environment {name} does not allow {action}; nothing was contacted. {others}; to change"
            f" that, give `allows` in {where}"
        )
    return (
        f"environment {name} is for production, and allows no {action}: {_HARM[action]}; nothing was"
        f" contacted. {others}. Rehearse on other hosts, whose inventory says"
        " purpose=Purpose.REHEARSAL"
    )
