"""Renders the page about a run: one template, one self-contained file."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from loanstack.measure.bulk import bulk_reading
from loanstack.report import drawings, entities
from loanstack.report.reading import Run, read
from loanstack.results.drills import over_repeats
from loanstack.runs.folder import RunFolder
from proof.files import write_whole
from proof.promised import OVER_REPEATS
from proof.titles import number, shown, title
from proof.verdict import Verdict

REPORT_FILE = "report.html"
_PART = re.compile(r"\d{1,3}-(.+)$")
"""Folder name of a part of a run, such as `4-load`; the folder of a whole run begins with its date."""

_BUDGET = re.compile(r"budget_(?!.*_spent_)(.+)_requests$")

_BRIEF = {"rto_ms": "RTO {}", "acknowledged_lost": "{} missing", "errors": "{} errors"}
"""Figures in the one line of a run that is one of several repeats."""

_PROBE_BRIEF = {"tps_acknowledged": "{} acknowledged per second", "latency_p99_ms": "p99 {}"}
"""Figures in the one line of a probe of a capacity search; a probe may break objectives."""

_KEY_FIGURES = {
    "capacity_tps": "highest rate, per second, that keeps every promise",
    "capacity_tps_low": "rate, per second, that keeps every promise; it may be higher",
    "tps_acknowledged": "transactions per second, acknowledged and in the database",
    "latency_p99_ms": "latency p99, from the planned start",
    "standby_lag_p99_ms": "standby lag p99 under load",
    "errors": "errors under load",
    "rto_ms_max": "longest outage that clients saw in a failover",
    "acknowledged_lost": "acknowledged writes missing after the load",
    "acknowledged_doubled": "acknowledged writes applied twice",
    "operations_changed": "changes made by a second deploy",
    "memory_mib_total": "memory of all hosts under load",
}
"""Figures at the top of the page, if an objective limits them: figure -> its meaning there."""

_DRILL_FIGURES = (
    "rto_ms",
    *(f"rto_{part}_ms" for part in drawings.RTO_PARTS),
    "rto_sustained_ms",
    "silence_ms",
    "acknowledged_lost",
    "lost_window_ms",
    "lost_allowed_ms",
    "lag_before_fault_ms",
    "acknowledged_doubled",
    "two_primaries_seen",
    "two_primaries_blind_ms",
    "transactions_acknowledged",
    "errors",
    "heal_s",
    "residue",
)
"""Figures shown first for a drill; its other figures stand at the end of the page."""

_LISTED_MAX = 500
"""Rows of one list on the page; further rows are in findings.json only, and the page says so."""


def write_report(folder: Path) -> Path:
    """Write `report.html` into the run folder `folder`, from its files alone, and return its path.

    Raises:
        loanstack.runs.folder.RunFolderError: the run folder is incomplete.
    """
    path = RunFolder(path=folder).path / REPORT_FILE
    with bulk_reading():
        run = read(folder)
    write_whole(path, render(run))
    return path


def render(run: Run) -> str:
    """Return the page about `run`: HTML that needs no network and no script."""
    jinja = Environment(
        loader=PackageLoader("loanstack.report", "."),
        autoescape=select_autoescape(["j2"], default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters.update(number=number, figure=lambda pair: shown(*pair), words=title, cell=_cell)
    style = (Path(__file__).parent / "style.css").read_text()
    parts = [each for each in run.all() if not each.children]
    repeats, probes = _repeats(run), _probes(run)
    titles = _titles(run)
    return jinja.get_template("template.html.j2").render(
        # Our own style sheet is not user input, and its quotes must not be escaped.
        style=Markup(style),  # noqa: S704
        run=run,
        context=run.context,
        heading=heading(run),
        key_figures=_key_figures(run, probes),
        parts=parts,
        judged=[_judged(each, repeats, probes) for each in run.all() if each.objectives or not each.children],
        repeats=repeats,
        probes=probes,
        capacities=[(each, drawings.of_capacity(each)) for each in run.all() if each.capacity],
        deploys=run.of_verb("deploy"),
        verifies=[(part, _by_host(part)) for part in run.of_verb("verify")],
        loads=[(part, drawings.of_run(part), drawings.processor_bar(part)) for part in run.of_verb("load")],
        budget=_budget,
        entities=entities.rows,
        drills=[(part, drawings.of_run(part)) for part in run.of_verb("drill")],
        rto_bars=drawings.rto_bars(run.of_verb("drill")),
        rto_strips=drawings.rto_strips(run.of_verb("drill")),
        rto_rows=_rto_rows(run.of_verb("drill")),
        rto_parts=drawings.RTO_PARTS,
        topology=_topology(run.context),
        title_of=lambda one: titles[one.name],
        drill_figures=_DRILL_FIGURES,
        listed_max=_LISTED_MAX,
        columns=_columns,
        generated=datetime.now(tz=UTC),
    )


def heading(run: Run) -> str:
    """Return the run's heading on the page: its folder's name without number and dashes."""
    part = _PART.match(run.name.rsplit("/", 1)[-1])
    words = part[1] if part else run.results.verb
    return words[:1].upper() + words[1:].replace("-", " ")


def _titles(run: Run) -> dict[str, str]:
    """Return {name: title} of all runs; runs with equal titles get numbers."""
    words = {each.name: heading(each) for each in run.all()}
    times = Counter(words.values())
    return {
        name: f"{word}, run {found[0]}"
        if times[word] > 1 and (found := re.findall(r"(?:^|/)(\d{1,3})-[^/]*$", name))
        else word
        for name, word in words.items()
    }


@dataclass(frozen=True, kw_only=True)
class _KeyFigure:
    title: str
    value: str
    met: bool | None
    """Whether the objective is met; None: the figure is shown without an objective."""


def _key_figures(run: Run, probes: frozenset[str]) -> list[_KeyFigure]:
    """Return the figures at the top of the page: the worst among the parts with an objective for them."""
    found = []
    for name, words in _KEY_FIGURES.items():
        promised = [
            (part.results.figures[each.figure], each.met_by(part.results.figures))
            for part in run.all()
            if part.name not in probes
            for each in part.objectives
            # A single run of a drill has another name for the figure than several runs of it together.
            if OVER_REPEATS.get(each.figure, each.figure) == name and each.figure in part.results.figures
        ]
        if promised:
            least = name in ("tps_acknowledged", "capacity_tps", "capacity_tps_low")
            value = (min if least else max)(value for value, _ in promised)
            met = all(kept for _, kept in promised)
            found.append(_KeyFigure(title=words, value=shown(name, value), met=met))
    lost = [drill.results.figures.get("acknowledged_lost", 0) for drill in run.of_verb("drill")]
    if lost:
        # Under durability `local` a failover may lose the last acknowledged writes. Within the limit this
        # breaks no promise, but the page must show it.
        words = "acknowledged writes missing after failovers, each listed below"
        found.append(_KeyFigure(title=words, value=number(sum(lost)), met=None))
    return found


def _rto_rows(drills: Sequence[Run]) -> list[tuple[str, Mapping[str, float]]]:
    """Return (drill, figures over its repeats) for each drill whose recovery was measured."""
    groups = drawings.by_drill(drills).items()
    rows = [(name, over_repeats([run.results for run in runs])) for name, runs in groups]
    return [(name, figures) for name, figures in rows if "rto_ms_max" in figures]


def _repeats(run: Run) -> frozenset[str]:
    """Return the names of the runs that passed and are one of several repeats, which are judged together.

    With rows for each of them, the verdict over all would be hard to find; their own section has the details.
    """
    return frozenset(
        child.name
        for each in run.all()
        if each.objectives and len(each.children) > 1
        for child in each.children
        if child.results.verb == "drill" and not child.children and child.results.verdict is Verdict.PASS
    )


def _probes(run: Run) -> frozenset[str]:
    """Return the names of the runs that are probes of a capacity search."""
    return frozenset(child.name for each in run.all() if each.capacity for child in each.children)


def _judged(part: Run, repeats: frozenset[str], probes: frozenset[str]) -> dict[str, Any]:
    """Return one run's rows of the verdict table: one line for a probe, or for a passed run of several."""
    if part.name in repeats | probes:
        figures = part.results.figures
        words_of = _PROBE_BRIEF if part.name in probes else _BRIEF
        brief = [
            words.format(shown(name, figures[name])) for name, words in words_of.items() if name in figures
        ]
        return {"run": part, "rows": (), "findings": (), "brief": ", ".join(brief)}
    rows = [
        {
            "title": title(objective.figure),
            "limit": str(objective),
            "measured": _measured(objective.figure, part.results.figures),
            "met": objective.met_by(part.results.figures),
        }
        for objective in part.objectives
    ]
    return {"run": part, "rows": rows, "findings": part.findings, "brief": ""}


def _measured(name: str, figures: Mapping[str, float]) -> str:
    return shown(name, figures[name]) if name in figures else "not measured"


def _by_host(part: Run) -> list[tuple[str, int, int, int]]:
    """Return (host, passed, failed, skipped) of a validation, in the order of the inventory."""
    hosts = [host["name"] for host in (part.context["environment"] or {}).get("hosts", ())]
    names = [*hosts, *dict.fromkeys(test.host for test in part.tests if test.host not in hosts)]
    rows = []
    for name in names:
        outcomes = [test.outcome for test in part.tests if test.host == name]
        if outcomes:
            rows.append((name, *(outcomes.count(kind) for kind in ("passed", "failed", "skipped"))))
    return rows


def _budget(figures: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Return (promise, requests that are allowed to break it, requests that broke it) of a load run."""
    words = {"errors": "No error", "not_acknowledged": "Every write acknowledged"}
    return [
        (words.get(name, title(name)), allowed, figures[f"budget_{name}_spent_requests"])
        for figure, allowed in figures.items()
        if (match := _BUDGET.match(figure)) and (name := match[1])
    ]


def _topology(context: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], list[Mapping[str, Any]]]]:
    """Return (centre, its hosts) for each centre."""
    env = context["environment"] or {}
    return [
        (centre, [host for host in env["hosts"] if host["centre"] == centre["name"]])
        for centre in env.get("centres", ())
    ]


def _columns(listed: Sequence[Mapping[str, object]]) -> list[str]:
    """Return the keys of a list's rows, in the order in which they first appear."""
    return list(dict.fromkeys(key for row in listed for key in row))


def _cell(value: object, name: str = "") -> str:
    """Return the text of one value of a listed row; unix times become clock times, which people can read."""
    if value is None:
        return "–"
    if name.endswith("_s") and isinstance(value, int | float) and value > 1e9:
        return datetime.fromtimestamp(value, tz=UTC).strftime("%H:%M:%S.%f")[:-3]
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_cell(one, str(key))}" for key, one in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(_cell(one) for one in value)
    return str(value)
