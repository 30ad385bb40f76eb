"""Judge a run folder again from its files, and compare the result with the recorded one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chaos.catalogue import drills as catalogue
from chaos.engine import judgement
from chaos.engine import results as drill_files
from chaos.recorders.clients import SAMPLE_INTERVAL_MS
from inventory.availability import Durability
from inventory.model import Environment
from loanstack.judging import derived, own_record
from loanstack.judging.differences import JudgedAgain
from loanstack.judging.load import judge_load
from loanstack.judging.readings import READINGS_FILE
from loanstack.results import deploys, drills, host_tests, whole
from loanstack.results.ended import ENDED_FILE, read_ended
from loanstack.runs.folder import CONTEXT_FILE, FINDINGS_FILE, Results, RunFolder, RunFolderError
from loanstack.runs.task import SECRETS, tail
from proof.files import SEED_FILE
from proof.history import read_run
from proof.objectives import OBJECTIVES_FILE, Objective, evaluate, from_list
from proof.verdict import Finding, Verdict, overall

_DECIDED_BY_PARTS = ("prove", "drill")


@dataclass(frozen=True, kw_only=True)
class _Found:
    """Findings and figures from the files of one folder."""

    findings: tuple[Finding, ...]
    figures: Mapping[str, float] = field(default_factory=dict)
    as_recorded: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Folder:
    """One run folder, with the environment and objectives that its files are judged with."""

    run: RunFolder
    recorded: Results
    env: Environment
    objectives: tuple[Objective, ...]


def judge_again(
    folder: Path, environment_of: Callable[[str], Environment], *, name: str = "."
) -> JudgedAgain:
    """Return the run in `folder`, judged from its files and the inventory of its hosts.

    + environment_of: name of an environment -> the environment
    + name: the folder's path inside the folder that is judged

    Raises:
        FileNotFoundError, ValueError: a file is missing or damaged; says which.
    """
    run = RunFolder(path=folder)
    recorded = run.read_results()
    own_record.require_own_verb(run, recorded)
    for part in recorded.children:
        if Path(part).name != part or part in {".", ".."}:
            raise RunFolderError(f"{folder}: part {part!r}; allowed: the name of a folder inside it")
    parts = tuple(
        judge_again(folder / part, environment_of, name=part if name == "." else f"{name}/{part}")
        for part in recorded.children
    )
    judged = _Folder(
        run=run,
        recorded=recorded,
        env=_as_it_was(environment_of(recorded.environment), run.read_json(CONTEXT_FILE)),
        objectives=from_list(run.read_json(OBJECTIVES_FILE) or ()),
    )
    own_record.require_own_parts(run, recorded, [part.recorded.verb for part in parts])
    try:
        found = _of_parts(judged, parts) if parts else _OF_VERB.get(recorded.verb, _as_recorded)(judged)
        left_out = derived.left_out(run, recorded, judged.env, judged.objectives)
    except ArithmeticError as beyond:
        problem = f"a number in its files is out of range ({beyond}); restore them from the run"
        raise RunFolderError(f"{folder}: {problem}") from None
    leaked = (_saved(each) for each in run.read_json(FINDINGS_FILE) or () if each["name"] == SECRETS)
    secrets = (replace(each, title="") for each in leaked)
    return JudgedAgain(
        name=name,
        recorded=recorded,
        found=overall((*found.findings, *secrets)),
        figures=found.figures,
        promised=frozenset(each.figure for each in judged.objectives),
        left_out=left_out,
        parts=parts,
        as_recorded=(*found.as_recorded, *sorted(recorded.figures.keys() - found.figures.keys())),
    )


def _as_it_was(env: Environment, context: object) -> Environment:
    """Return the environment with the run's durability; + context: None if the run recorded none."""
    if context is None:
        return env
    if not isinstance(context, dict):
        raise RunFolderError(f"{CONTEXT_FILE}: not a JSON object; restore it from the run")
    durability = context.get("environment", {}).get("durability")
    return env if durability is None else env.under(Durability(durability))


def _of_load(judged: _Folder) -> _Found:
    if not (judged.run.path / READINGS_FILE).exists():
        return _unfinished(judged, READINGS_FILE)
    _require_promises_and_seeding(judged)
    load = judge_load(judged.run.path, judged.env, judged.objectives)
    checked = {finding.name for finding in load.findings}
    saved = judged.run.read_json(FINDINGS_FILE) or ()
    beside = tuple(_saved(finding) for finding in saved if finding["name"] not in {*checked, SECRETS})
    figures = dict(load.figures)
    for finding in beside:
        figures |= finding.figures
    return _Found(
        findings=(*load.all_findings, *beside),
        figures=figures,
        as_recorded=tuple(finding.name for finding in beside),
    )


def _of_drill(judged: _Folder) -> _Found:
    run = drill_files.read_run(judged.run.path)
    if run is None:
        return _unfinished(judged, drill_files.RUN_FILE)
    if not (judged.run.path / ENDED_FILE).exists():
        return _unfinished(judged, ENDED_FILE)
    _require_promises_and_seeding(judged)
    drill = catalogue.drills(judged.env).get(run.drill)
    if drill is None:
        raise RunFolderError(f"{judged.run.path}: drill {run.drill!r} is not in the catalogue any more")
    found = judgement.judge_run(
        judged.env,
        drill,
        run,
        read_run(judged.run.path),
        sample_interval_ms=SAMPLE_INTERVAL_MS,
        objectives=judged.objectives,
    )
    results = replace(judged.recorded, verdict=found.verdict, reasons=found.reasons, figures=found.figures)
    results = drills.as_ended(run.drill, results, status=read_ended(judged.run).status)
    figures = {**drills.over_repeats([results]), **results.figures}
    return _Found(findings=(_finding_of(results.verdict, results.reasons),), figures=figures)


def _of_verify(judged: _Folder) -> _Found:
    ended = read_ended(judged.run)
    hosts = judged.env.hosts
    addresses = host_tests.addresses_of((host.name, host.management_address) for host in hosts)
    tests = host_tests.read(judged.run.path / "junit.xml", addresses)
    figures = {**host_tests.counted(tests, [host.name for host in hosts]), "verify_s": ended.seconds}
    return _Found(
        findings=(_finding_of(*host_tests.judged(tests, figures, status=ended.status)),), figures=figures
    )


def _of_deploy(judged: _Folder) -> _Found:
    ended = read_ended(judged.run)
    outcome = deploys.of_summary(judged.run.read_json(deploys.SUMMARY_FILE), ended.hosts)
    figures = {**outcome.figures(), "deploy_s": ended.seconds}
    said = tail(judged.run.path / f"{deploys.LOG}.log")
    found = deploys.judged(judged.objectives, figures, outcome, status=ended.status, said=said)
    return _Found(findings=(_finding_of(*found),), figures=figures)


def _unfinished(judged: _Folder, file: str) -> _Found:
    """Take a run as recorded that ended before it wrote `file`; such a run cannot have passed."""
    if judged.recorded.verdict is Verdict.PASS:
        raise RunFolderError(f"{judged.run.path / file} is missing; restore it from the run")
    return _as_recorded(judged)


def _require_promises_and_seeding(judged: _Folder) -> None:
    # The commands seed before each load and each drill, also if all customers are already there.
    seeded = (judged.run.path / SEED_FILE).exists()
    for file, is_there in ((OBJECTIVES_FILE, judged.objectives), (SEED_FILE, seeded)):
        if not is_there:
            raise RunFolderError(f"{judged.run.path / file} is missing or empty; restore it from the run")


def _as_recorded(judged: _Folder) -> _Found:
    """Judge the recorded figures by the run's own objectives: no file holds the figures' source data."""
    kept = evaluate(judged.objectives, judged.recorded.figures)
    return _Found(findings=(_finding_of(judged.recorded.verdict, judged.recorded.reasons), *kept))


def _of_parts(judged: _Folder, parts: Sequence[JudgedAgain]) -> _Found:
    """Judge a whole run by its parts: its verdict is never better than the worst of theirs."""
    recorded = judged.recorded
    figures: dict[str, float] = {}
    if recorded.verb == "drill":
        figures = _over_drills(parts)
    elif recorded.verb == "prove":
        figures = whole.figures_of({whole.part_name(name): results for name, results in _as_found(parts)})
    # The loads of a capacity search fail above the capacity, so their verdicts do not decide the search's.
    deciding = parts if recorded.verb in _DECIDED_BY_PARTS else ()
    return _Found(
        findings=(
            # The recorded verdict counts too, because of steps without a folder, such as taking the lab down.
            _finding_of(recorded.verdict, recorded.reasons),
            *(Finding(name=part.name, verdict=part.found.verdict) for part in deciding),
            *evaluate(judged.objectives, {**recorded.figures, **figures}),
        ),
        figures=figures,
    )


def _as_found(parts: Sequence[JudgedAgain]) -> list[tuple[str, Results]]:
    """Return (folder, results) of each part, with the recomputed figures in place of the recorded ones."""
    found = []
    for part in parts:
        known = {**part.recorded.figures, **part.figures}
        found.append((part.name.rpartition("/")[2], replace(part.recorded, figures=known)))
    return found


def _over_drills(parts: Sequence[JudgedAgain]) -> dict[str, float]:
    done = _as_found(parts)
    named = [(name.partition("-drill-")[2], results) for name, results in done]
    if all(name for name, _ in named):
        return drills.over_drills(named)
    return drills.over_repeats([results for _, results in done])


def _finding_of(verdict: Verdict, reasons: Sequence[str]) -> Finding:
    return Finding(name="found", verdict=verdict, reasons=tuple(reasons), title="")


def _saved(finding: Mapping[str, Any]) -> Finding:
    return Finding(
        name=finding["name"],
        verdict=Verdict(finding["verdict"]),
        reasons=tuple(finding["reasons"]),
        figures=finding["figures"],
    )


_OF_VERB = {"load": _of_load, "drill": _of_drill, "verify": _of_verify, "deploy": _of_deploy}
