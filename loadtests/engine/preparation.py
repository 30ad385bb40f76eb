"""From options to a generator that can begin: gateways asked, plan made, record opened."""

import argparse
import time
from dataclasses import replace

import inventory
from inventory.model import Environment
from loadtests.engine.generator import Generator, Sent
from loadtests.engine.recorder import Recorder
from loadtests.plan import options
from loadtests.plan.schedule import Plan
from loadtests.plan.share import WHOLE, Share
from loadtests.results.budget import Meter, budgets
from loadtests.transport import preflight, targets
from loadtests.transport.connections import Connections


class RefusedError(ValueError):
    """The load cannot be made; `problems` holds one sentence for each reason."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


def prepare(
    parsed: argparse.Namespace, *, share: Share = WHOLE, is_conducted: bool = False, sent: Sent | None = None
) -> Generator:
    """Return the generator of this process; its run folder exists and holds the empty record.

    + parsed: options of the command line, Locust's among them
    + share: what of the plan this process makes
    + is_conducted: a master says when it begins and ends
    + sent: told of every record

    Raises:
        RefusedError: options do not fit, a gateway does not answer, or the folder holds another record.
    """
    try:
        found = inventory.environment(parsed.environment)
        if parsed.ca_dir is not None:
            found = replace(found, ca_dir=parsed.ca_dir)
        asked = options.checked(parsed, found, share=share, is_conducted=is_conducted)
        gateways = targets.chosen(asked.host, found)
        deadline_s = found.journey.deadline_ms / 1000.0
        probes = [(target.url, Connections([target], first=0, deadline_s=deadline_s)) for target in gateways]
        population = preflight.population(found, probes, time.time)
        asked.run_folder.mkdir(parents=True, exist_ok=True)
        recorder = Recorder(asked.run_folder)
    except (options.OptionsError, preflight.NotReadyError) as wrong:
        raise RefusedError(*wrong.problems) from None
    except FileExistsError as exists:
        message = f"{exists.filename} is the record of another run; choose another --run-folder"
        raise RefusedError(message) from None
    except (inventory.InventoryError, ValueError, OSError) as wrong:
        raise RefusedError(str(wrong)) from None
    for _url, connections in probes:
        connections.close()
    plan = options.plan_of(asked, found)
    return Generator(
        options=asked,
        plan=plan,
        population=population,
        targets=gateways,
        deadline_s=deadline_s,
        recorder=recorder,
        sent=sent,
        meter=_meter(plan, found) if asked.abort_on_fail else None,
    )


def _meter(plan: Plan, found: Environment) -> Meter:
    requests = round(len(plan) * (1.0 + plan.reads_per_write))
    return Meter(budgets(found.load_slo, writes=plan.measured, requests=requests))
