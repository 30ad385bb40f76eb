"""The command line of the drills: `python -m chaos list|run|heal|stop`.

Exit codes: 0 PASS; 1 FAIL; 2 usage; 3 INVALID; 4 residue or a failed heal; 130 interrupted and healed.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from chaos.catalogue import drills
from chaos.catalogue.model import Drill
from chaos.engine import interrupts, judgement, results
from chaos.engine.heal import load_record, lock_beside, record_path
from chaos.engine.live import LiveWorld
from chaos.engine.only_one import (
    HEALS_WITHIN_S,
    DrillNotEndedError,
    DrillRunningError,
    only_drill,
    stop_running,
)
from chaos.engine.run import Run
from chaos.engine.runner import Runner
from chaos.engine.steady import STEADY_FOR_S, STEADY_WITHIN_S
from chaos.engine.timeline import Timeline
from chaos.recorders.clients import SAMPLE_INTERVAL_MS
from chaos.system.world import WorldError
from inventory import ENVIRONMENT_NAMES, environment
from inventory.drill_slo import NoObjectivesError
from inventory.model import Environment
from inventory.purpose import Action, NotAllowedError
from proof.exits import ExitCode
from proof.files import FileError
from proof.history import Records, read_run


@click.group()
def main() -> None:
    """Break a system on purpose, and heal it."""


@main.command("list")
@click.argument("environment_name", metavar="[ENV]", default="lab")
def list_drills(environment_name: str) -> None:
    """List the drills, one name and title on each line."""
    for drill in drills.drills(_environment(environment_name)).values():
        click.echo(f"{drill.name}\t{drill.title}")


@main.command("run")
@click.argument("environment_name", metavar="ENV")
@click.argument("name", metavar="DRILL")
@click.option("--run-folder", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option(
    "--rate", type=click.FloatRange(min=1), default=500.0, show_default=True, help="Writes a second."
)
@click.option(
    "--steady-within",
    "steady_within_s",
    type=click.FloatRange(min=STEADY_FOR_S),
    default=STEADY_WITHIN_S,
    show_default=True,
    help="Seconds to wait until the hypothesis holds.",
)
def run_drill(
    environment_name: str, name: str, run_folder: Path, rate: float, steady_within_s: float
) -> None:
    """Run one DRILL against ENV and judge it."""
    env = _environment(environment_name)
    known = drills.drills(env)
    if name not in known:
        raise click.UsageError(f"no drill {name!r}; known: {', '.join(known)}")
    drill = known[name]
    try:
        env.require_allowed(Action.DRILL, Action.LOAD)
        env.drill_slo.of(name)
    except (NotAllowedError, NoObjectivesError) as refused:
        raise click.UsageError(str(refused)) from None
    run_folder.mkdir(parents=True, exist_ok=True)
    if (run_folder / "load").exists():
        raise click.UsageError(f"{run_folder} already holds a drill; give a new folder")
    interrupts.raise_on_signals()
    with _only_drill(env):
        try:
            judged, interrupted = _run(
                env, drill, run_folder.resolve(), rate=rate, steady_within_s=steady_within_s
            )
        except KeyboardInterrupt:
            click.echo("interrupted before anything was broken", err=True)
            sys.exit(ExitCode.INTERRUPTED)
    click.echo(f"{drill.name}: {judged.verdict.value}", err=True)
    for reason in judged.reasons:
        click.echo(f"  {reason}", err=True)
    code = judged.exit_code
    sys.exit(ExitCode.INTERRUPTED if interrupted and code is not ExitCode.RESIDUE else code)


@main.command("heal")
@click.argument("environment_name", metavar="ENV")
def heal(environment_name: str) -> None:
    """Finish the heal that an earlier run left in ENV; does nothing if there is none."""
    env = _environment(environment_name)
    # A heal that is interrupted half-way would leave residue.
    with _only_drill(env), interrupts.shielded():
        try:
            left = load_record(record_path(env))
            if left is None:
                click.echo("nothing to heal", err=True)
                return
            click.echo(f"healing {left.drill} of {left.run_folder}", err=True)
            world = LiveWorld(env)
            try:
                _runner(env, world, Path(left.run_folder), rate=0.0).heal_left(left)
            finally:
                world.close()
            record_path(env).unlink()
        except WorldError as failed:
            click.echo(f"heal failed: {failed}", err=True)
            sys.exit(ExitCode.RESIDUE)


@main.command("stop")
@click.argument("environment_name", metavar="ENV")
def stop(environment_name: str) -> None:
    """End the running drill of ENV, from another terminal. The drill heals first; its verdict is INVALID."""
    env = _environment(environment_name)
    try:
        pid = stop_running(_lock_of(env), within_s=HEALS_WITHIN_S)
    except DrillNotEndedError as slow:
        click.echo(str(slow), err=True)
        sys.exit(ExitCode.RESIDUE)
    click.echo("no drill is running" if pid is None else f"the drill of process {pid} has ended", err=True)


def _run(
    env: Environment, drill: Drill, folder: Path, *, rate: float, steady_within_s: float
) -> tuple[judgement.JudgedDrill, bool]:
    world = LiveWorld(env)
    try:
        runner = _runner(env, world, folder, rate=rate, steady_within_s=steady_within_s)
        run = runner.run(drill)
    finally:
        world.close()
    timeline = runner.timeline
    results.write_run(folder, run)
    records = _records(folder, run)
    for at_s, event, detail in judgement.mark_outage(drill, run, records):
        timeline.note_at(at_s, event, detail=detail)
    timeline.finish()
    judged = judgement.judge_run(env, drill, run, records, sample_interval_ms=SAMPLE_INTERVAL_MS)
    results.write_results(folder, env, drill, run, judged)
    return judged, run.interrupted


def _runner(
    env: Environment, world: LiveWorld, folder: Path, *, rate: float, steady_within_s: float = STEADY_WITHIN_S
) -> Runner:
    timeline = Timeline(folder, world.clock.now_s)
    return Runner(
        env,
        world,
        folder,
        rate=rate,
        timeline=timeline,
        shielded=interrupts.shielded,
        steady_within_s=steady_within_s,
    )


def _records(folder: Path, run: Run) -> Records:
    try:
        return read_run(folder)
    except FileNotFoundError:
        return Records(writes=())
    except FileError as broken:
        run.invalid.append(str(broken))
        run.exported = False
        return Records(writes=())


def _environment(name: str) -> Environment:
    if name not in ENVIRONMENT_NAMES:
        raise click.UsageError(f"no environment {name!r}; known: {', '.join(ENVIRONMENT_NAMES)}")
    try:
        return environment(name)
    except ValueError as wrong:
        raise click.UsageError(str(wrong)) from None


@contextmanager
def _only_drill(env: Environment) -> Iterator[None]:
    try:
        with only_drill(_lock_of(env)):
            yield
    except DrillRunningError as running:
        problem = f"environment {env.name!r}: {running}; end it with: loanstack drill stop {env.name}"
        raise click.UsageError(problem) from None


def _lock_of(env: Environment) -> Path:
    path = lock_beside(record_path(env))
    if not path.parent.is_dir():
        raise click.UsageError(
            f"{path.parent} is missing: environment {env.name!r} is not up; bring it up first"
        )
    return path


if __name__ == "__main__":
    main(prog_name="python -m chaos")
