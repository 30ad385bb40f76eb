"""Reads everything that the page shows from the files of a run folder."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from loanstack.capacity.probed import CAPACITY_FILE
from loanstack.companions import leak_check
from loanstack.report import roles, series
from loanstack.report.charts import Point
from loanstack.results import host_tests
from loanstack.results.comparison import COMPARISON_FILE
from loanstack.runs.folder import (
    CONTEXT_FILE,
    FINDINGS_FILE,
    Results,
    RunFolder,
    RunFolderError,
)
from proof.files import TIMELINE_FILE
from proof.objectives import Objective, from_list

_Json = Mapping[str, Any]


_NO_CONTEXT: _Json = dict.fromkeys(("started", "command", "parameters", "environment", "machine", "project"))
"""Stands for the context of a run that ended before it wrote one."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run and its parts, read from its folder."""

    name: str
    """The folder's path, relative to the folder that the report is about."""
    results: Results
    context: _Json = field(default_factory=lambda: dict(_NO_CONTEXT))
    objectives: tuple[Objective, ...] = ()
    findings: tuple[_Json, ...] = ()
    deploy: _Json | None = None
    drill: _Json | None = None
    usage: _Json | None = None
    capacity: _Json | None = None
    """Result of a capacity search; its probes are the children."""
    comparison: _Json | None = None
    """Ratios of two databases; their loads are the children."""
    tests: tuple[host_tests.HostTest, ...] = ()
    history: series.History | None = None
    lag: tuple[Point | None, ...] = ()
    held: tuple[leak_check.ComponentSample, ...] = ()
    """Memory and file handles of the components during the measured time of a soak."""
    marks: tuple[tuple[float, str, str], ...] = ()
    role_intervals: tuple[roles.RoleInterval, ...] = ()
    role_events: tuple[roles.RoleEvent, ...] = ()
    children: tuple["Run", ...] = ()

    def all(self) -> Iterator["Run"]:
        """Yield this run and all its parts, in order."""
        yield self
        for child in self.children:
            yield from child.all()

    def of_verb(self, verb: str) -> tuple["Run", ...]:
        """Return the runs of `verb` that have no part of the same verb."""
        return tuple(
            run
            for run in self.all()
            if run.results.verb == verb and not any(c.results.verb == verb for c in run.children)
        )


def read(folder: Path, *, name: str = "") -> Run:
    """Return the run in `folder`.

    + name: its path inside the folder that the page is about; empty for that folder itself

    Raises:
        RunFolderError: `results.json` is missing or wrong, or a child folder is gone.
    """
    run = RunFolder(path=folder)
    results = run.read_results()
    context = {**_NO_CONTEXT, **(run.read_json(CONTEXT_FILE) or {})}
    history = series.of_folder(folder)
    timeline = list(_lines(folder / TIMELINE_FILE))
    start_s = history.start_s if history else 0.0
    return Run(
        name=name or folder.name,
        results=results,
        context=context,
        objectives=from_list(run.read_json("objectives.json") or ()),
        findings=tuple(run.read_json(FINDINGS_FILE) or ()),
        deploy=run.read_json("deploy.json"),
        drill=run.read_json("drill.json"),
        usage=run.read_json("hosts.json"),
        capacity=run.read_json(CAPACITY_FILE),
        comparison=run.read_json(COMPARISON_FILE),
        tests=host_tests.read(folder / "junit.xml", _addresses(context)) if results.verb == "verify" else (),
        history=history,
        lag=series.lag_points(_lines(folder / "replication.jsonl"), history) if history else (),
        held=tuple(
            sample for sample in leak_check.read(folder) if 0.0 <= sample.at_s - start_s <= history.end_s
        )
        if history
        else (),
        marks=series.marks(timeline, start_s) if history else (),
        role_intervals=roles.role_intervals(
            _lines(folder / "replication.jsonl"), start_s=start_s, end_s=history.end_s
        )
        if history and results.verb == "drill"
        else (),
        role_events=roles.events(timeline),
        children=tuple(
            read(_inside(folder, child), name=f"{name}/{child}" if name else child)
            for child in results.children
        ),
    )


def _addresses(context: _Json) -> dict[str, str]:
    hosts = (context["environment"] or {}).get("hosts", ())
    return host_tests.addresses_of((host["name"], host["management_address"]) for host in hosts)


def _inside(folder: Path, child: str) -> Path:
    path = (folder / child).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise RunFolderError(
            f"{folder / 'results.json'}: child {child!r}; allowed: folders inside the run folder"
        )
    return path


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    try:
        file = path.open("rb")
    except OSError as unreadable:
        raise RunFolderError(
            f"{path} cannot be read: {unreadable.strerror}; restore it from the run"
        ) from None
    with file:
        for number, line in enumerate(file, start=1):
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError:
                # A killed run may leave an incomplete last line; anywhere else such a line is damage.
                if line.endswith(b"\n"):
                    raise RunFolderError(
                        f"{path} line {number} is not JSON; restore the run folder"
                    ) from None
