"""Whether the verb of a run folder is the one that its own record states, and its files are there.

A run is judged by its verb. If `results.json` alone could name it, a load that lost writes could be called a
seeding, of which no file is checked.
"""

import re
from collections.abc import Mapping, Sequence

from chaos.engine.results import RUN_FILE
from loadtests.results.run_info import LOAD_FILE
from loanstack.capacity.probed import CAPACITY_FILE
from loanstack.judging.readings import READINGS_FILE
from loanstack.results.comparison import COMPARISON_FILE
from loanstack.results.deploys import SUMMARY_FILE
from loanstack.runs.folder import CONTEXT_FILE, RESULTS_FILE, Results, RunFolder, RunFolderError
from proof.files import JOURNAL_FILE, LEDGER_FILE
from proof.objectives import OBJECTIVES_FILE
from proof.verdict import Verdict

PARTS_OF: Mapping[str, tuple[str, ...]] = {
    "plan": (),
    "deploy": (),
    "verify": (),
    "seed": (),
    "load": ("load",),
    "drill": ("drill",),
    "upgrade": ("deploy",),
    "compare": ("deploy", "load"),
    "prove": ("deploy", "verify", "load", "drill"),
}
"""Each verb that makes a run folder -> the verbs of the parts inside it."""

_ONLY_PARTS = ("compare", "prove")
"""Verbs whose work is done in parts only."""

_WRITTEN_BY: Mapping[str, tuple[str, ...]] = {
    LEDGER_FILE: ("load", "drill"),
    LOAD_FILE: ("load", "drill"),
    JOURNAL_FILE: ("load", "drill"),
    READINGS_FILE: ("load",),
    CAPACITY_FILE: ("load",),
    RUN_FILE: ("drill",),
    SUMMARY_FILE: ("deploy",),
    COMPARISON_FILE: ("compare",),
}
"""File -> verbs that write it into their own folder; the load beside an upgrade has a folder inside it."""

_FOLDER_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z-([a-z]+)(-\d+)?")
"""Name that `new_run` gives to the folder of a whole run."""


def require_own_verb(run: RunFolder, recorded: Results) -> None:
    """Check that the verb in `recorded` is what context, folder name and files of `run` state.

    Raises:
        RunFolderError: the verb is none of ours or contradicts the record, or a run that passed lacks its
            context or its objectives, which every command writes before its work.
    """
    if recorded.verb not in PARTS_OF:
        raise RunFolderError(f"{run.path}: verb {recorded.verb!r}; allowed: {', '.join(PARTS_OF)}")
    if recorded.verdict is Verdict.PASS:
        for file in (CONTEXT_FILE, OBJECTIVES_FILE):
            if not (run.path / file).exists():
                raise RunFolderError(f"{run.path / file} is missing; restore it from the run")
    named = _FOLDER_NAME.fullmatch(run.path.resolve().name)
    if named is not None and named[1] in PARTS_OF and named[1] != recorded.verb:
        raise _contradiction(run, recorded, f"the folder is that of a {named[1]}")
    whole = _command_of(run)
    if whole is not None and recorded.verb not in {whole, *PARTS_OF.get(whole, ())}:
        raise _contradiction(run, recorded, f"{CONTEXT_FILE} says that the command was {whole!r}")
    for file, verbs in _WRITTEN_BY.items():
        if recorded.verb not in verbs and (run.path / file).exists():
            raise _contradiction(run, recorded, f"only {' and '.join(verbs)} write {file}")


def require_own_parts(run: RunFolder, recorded: Results, parts: Sequence[str]) -> None:
    """Check that a run has parts if its verb works in parts, and none that its verb does not make.

    + parts: verb of each part

    Raises:
        RunFolderError: a part is missing or has another verb, or the run has parts and a record of its own.
    """
    if not parts and recorded.verb in _ONLY_PARTS and recorded.verdict is Verdict.PASS:
        raise _contradiction(run, recorded, "no part of it is recorded")
    for file in (LEDGER_FILE, RUN_FILE) if parts else ():
        # A run is judged either by its parts or by its own record, so parts could hide the record.
        if (run.path / file).exists():
            raise _contradiction(run, recorded, f"it has parts and its own {file}")
    for part in parts:
        if part not in PARTS_OF[recorded.verb]:
            raise _contradiction(run, recorded, f"a part of it is a {part}")


def _command_of(run: RunFolder) -> str | None:
    """Return the verb of the command that made the run, which for a part is that of the whole run."""
    context = run.read_json(CONTEXT_FILE)
    if context is None:
        return None
    try:
        _program, verb, *_options = context["command"]
    except (KeyError, TypeError, ValueError):
        problem = "states no command; restore it from the run"
        raise RunFolderError(f"{run.path / CONTEXT_FILE} {problem}") from None
    return str(verb)


def _contradiction(run: RunFolder, recorded: Results, why: str) -> RunFolderError:
    return RunFolderError(
        f"{run.path}: {RESULTS_FILE} names the verb {recorded.verb!r}, but {why}; restore it from the run"
    )
