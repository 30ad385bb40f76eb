"""Run folders: files with everything that one command did, recorded and concluded, for other programs too.

`results.json` is the contract; every figure in it can be recomputed from the other files of the folder.
"""

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proof.exits import ExitCode, exit_code
from proof.files import TIMELINE_FILE, FileError, run_folder_name, write_whole
from proof.verdict import Verdict

RESULTS_FILE = "results.json"
CONTEXT_FILE = "context.json"
FINDINGS_FILE = "findings.json"
LATEST = "latest"


class RunFolderError(FileError):
    """A file of a run folder is missing or does not fit the contract."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One part of a run and how long it took."""

    name: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Results:
    """The outcome of one run: the content of `results.json`."""

    verb: str
    environment: str
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    """Why the verdict is not PASS; empty if it is PASS."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Measured numbers by a stable name that ends in their unit."""
    steps: tuple[Step, ...] = ()
    children: tuple[str, ...] = ()
    """Run folders of the parts, relative to this run's folder."""

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the command."""
        pending = self.figures.get("operations_pending", 0)
        return exit_code(self.verdict, residue=self.figures.get("residue", 0), pending=pending)

    @property
    def seconds(self) -> float:
        """Total duration of the steps."""
        return sum(step.seconds for step in self.steps)


def to_dict(results: Results) -> dict[str, Any]:
    """Return `results` as the JSON object of the contract.

    Raises:
        ValueError: a figure is not a finite number, which JSON cannot express; names the figure.
    """
    for name, value in results.figures.items():
        if not math.isfinite(value):
            raise ValueError(f"figure {name} = {value!r} of run {results.verb!r}; allowed: finite numbers")
    return {
        "verb": results.verb,
        "environment": results.environment,
        "verdict": results.verdict.value,
        "reasons": list(results.reasons),
        "figures": dict(results.figures),
        "steps": [{"name": step.name, "seconds": step.seconds} for step in results.steps],
        "children": list(results.children),
    }


def from_dict(found: Mapping[str, Any], *, where: str = RESULTS_FILE) -> Results:
    """Return the results in a JSON object of the contract; unknown keys are ignored.

    + where: name of the file, for the error message

    Raises:
        RunFolderError: a field is missing or of another type; names file and field.
    """
    try:
        verdict = Verdict(found["verdict"])
    except (KeyError, ValueError):
        allowed = ", ".join(Verdict)
        given = found.get("verdict")
        raise RunFolderError(f"{where}: verdict = {given!r}; allowed: {allowed}") from None
    try:
        return Results(
            verb=str(found["verb"]),
            environment=str(found["environment"]),
            verdict=verdict,
            reasons=tuple(str(reason) for reason in found.get("reasons", ())),
            figures={str(k): _finite(v) for k, v in found.get("figures", {}).items() if _is_number(v)},
            steps=tuple(Step(name=s["name"], seconds=_finite(s["seconds"])) for s in found.get("steps", ())),
            children=tuple(str(child) for child in found.get("children", ())),
        )
    except KeyError as missing:
        raise RunFolderError(f"{where}: field {missing.args[0]!r} is missing") from None
    except (AttributeError, TypeError, ValueError, OverflowError) as wrong:
        raise RunFolderError(
            f"{where}: a field is of another type than the contract says ({wrong}); restore it from the run"
        ) from None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _finite(value: float) -> float:
    """Return `value`; JSON as Python reads it also has NaN, infinity, and integers too large for a float."""
    if not math.isfinite(value):
        raise ValueError(f"{value}; allowed: finite numbers")
    return value


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """One run's folder."""

    path: Path

    def write_results(self, results: Results) -> None:
        """Write `results.json` atomically."""
        self.write_json(RESULTS_FILE, to_dict(results))

    def read_results(self) -> Results:
        """Return the results in `results.json`.

        Raises:
            RunFolderError: the file is missing or does not fit the contract.
        """
        found = self.read_json(RESULTS_FILE)
        if not isinstance(found, dict):
            raise RunFolderError(f"{self.path / RESULTS_FILE}: not a JSON object; is this a run folder?")
        return from_dict(found, where=str(self.path / RESULTS_FILE))

    def write_json(self, name: str, value: object) -> None:
        """Write `value` to the file `name` atomically."""
        write_whole(self.path / name, json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    def read_json(self, name: str) -> Any:  # noqa: ANN401 - JSON is whatever the file holds
        """Return the JSON in the file `name`, or None if there is no such file.

        Raises:
            RunFolderError: the file cannot be read (it is a folder), is not JSON, or is nested too deeply.
        """
        path = self.path / name
        try:
            return json.loads(path.read_text())
        except FileNotFoundError:
            return None
        except OSError as unreadable:
            problem = f"{path} cannot be read: {unreadable.strerror}; restore it from the run"
            raise RunFolderError(problem) from None
        except (ValueError, RecursionError) as broken:
            raise RunFolderError(f"{path} is not JSON ({broken}); restore it from the run") from None

    def note(self, event: str, *, at_s: float, host: str | None = None, detail: str | None = None) -> None:
        """Append one event to `timeline.jsonl`."""
        line: dict[str, object] = {"at_s": at_s, "event": event}
        if host is not None:
            line["host"] = host
        if detail is not None:
            line["detail"] = detail
        with (self.path / TIMELINE_FILE).open("a") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def child(self, name: str) -> "RunFolder":
        """Return a new folder inside this one, for a part of the run."""
        path = self.path / name
        path.mkdir()
        return RunFolder(path=path)


def new_run(
    runs_dir: Path, verb: str, *, now: Callable[[], datetime] = lambda: datetime.now(tz=UTC)
) -> RunFolder:
    """Make `runs_dir/<UTC time>-<verb>/` and point the link `latest` at it.

    + now: the clock; two runs that start in the same second get a counter in their names
    """
    runs_dir.mkdir(parents=True, exist_ok=True)
    stem = run_folder_name(now(), verb)
    for attempt in range(1, 100):
        path = runs_dir / (stem if attempt == 1 else f"{stem}-{attempt}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        _point(runs_dir / LATEST, path.name)
        return RunFolder(path=path)
    raise RunFolderError(f"{runs_dir}: a hundred runs called {stem} in one second; wait and try again")


def with_residue(results: Results, residue: int) -> Results:
    """Return `results` with the number of things that heals left behind."""
    return replace(results, figures={**results.figures, "residue": residue})


def _point(link: Path, target: str) -> None:
    # A symlink cannot be changed in place. Renaming a new one over it leaves no moment without a link.
    unfinished = link.with_name(f".{link.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(target)
    unfinished.rename(link)
