"""Runs steps that need each other, and leaves out those whose needs failed. Knows nothing of their work."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from loanstack.runs.folder import Results
from proof.verdict import Finding, Verdict


@dataclass(frozen=True, kw_only=True)
class StepOutcome:
    """Outcome of one step."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()
    usable: bool = True
    """Whether steps that need this one can still run: a deploy that was too slow fails, but is usable."""
    results: Results | None = None
    """The results, for a step that has a run folder."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One step."""

    name: str
    run: Callable[[], StepOutcome]
    needs: tuple[str, ...] = ()
    """Names of earlier steps that must be usable."""
    folder: str | None = None
    """Name of its run folder inside the folder of the whole run, if it has one."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """One step that ran or was left out."""

    step: Planned
    outcome: StepOutcome
    seconds: float
    ran: bool = True


def go_through(
    steps: Iterable[Planned],
    *,
    before: Callable[[Planned], None] = lambda step: None,
    after: Callable[[Done], None] = lambda done: None,
    clock: Callable[[], float] = time.monotonic,
) -> list[Done]:
    """Run `steps` in order; leave out those whose needs were not usable.

    + before, after: called with each step when it begins and ends
    + clock: seconds from any origin
    """
    finished: dict[str, Done] = {}
    for step in steps:
        missing = [name for name in step.needs if name not in finished or not _usable(finished[name])]
        if missing:
            why = (f"left out: {', '.join(missing)} did not succeed",)
            outcome = StepOutcome(verdict=Verdict.INVALID, reasons=why, usable=False)
            done = Done(step=step, outcome=outcome, seconds=0.0, ran=False)
        else:
            before(step)
            started = clock()
            outcome = step.run()
            done = Done(step=step, outcome=outcome, seconds=round(clock() - started, 3))
        after(done)
        finished[step.name] = done
    return list(finished.values())


def findings(finished: Sequence[Done]) -> tuple[Finding, ...]:
    """Return what each step showed, with its reasons if it is not PASS."""
    return tuple(
        Finding(
            name=done.step.name,
            verdict=done.outcome.verdict,
            reasons=() if done.outcome.verdict is Verdict.PASS else done.outcome.reasons,
        )
        for done in finished
    )


def _usable(done: Done) -> bool:
    return done.outcome.usable
