"""The options a load adds to Locust's own, checked before anything is sent."""

import argparse
import math
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from inventory import ENVIRONMENT_NAMES
from inventory.model import Environment
from inventory.places import PROJECT_ROOT
from inventory.purpose import Action, ConsentNeededError, NotAllowedError
from loadtests.plan import storm
from loadtests.plan.scenarios import SCENARIOS
from loadtests.plan.schedule import Plan, Spacing, duration_s, planned
from loadtests.plan.shape import CONSTANT, KINDS, Curve, brings_no_rate, curve_of
from loadtests.plan.share import WHOLE, Share
from proof.files import run_folder_name

DEFAULT_RATE_PER_S = 1000.0
DEFAULT_WARM_UP_S = 25.0
"""After this time at 1000 writes a second, TongWeb's virtual machines have compiled their hot code. After 10
s and 5,000 writes both cores were still full with compiling (measured on a fresh deploy)."""
_STARTS_WITHIN_DAYS = 30
_USERS_TOGETHER = 64
"""The number of users is a multiple of this, so that most numbers of workers share them evenly."""
CUSTOMERS_PER_USER_MIN = 10
"""With fewer customers, not all requests of a user could be lawful: see `loadtests.users.journey`."""


class OptionsError(ValueError):
    """Options that do not fit together; `problems` holds one sentence for each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """The options of one load."""

    environment: str
    scenario: str
    shape: str
    curve: Curve
    duration_s: float
    warm_up_s: float
    spacing: Spacing
    run_seed: int
    run_folder: Path
    start_at_s: float | None
    users: int
    host: str | None
    """One target in place of the environment's gateways."""
    abort_on_fail: bool = False
    """End the run as soon as a promise can no longer be kept."""
    share: Share = WHOLE
    """The part of the plan that this process makes."""
    is_conducted: bool = False
    """A master says when it begins and ends (`loadtests.workers`)."""

    @property
    def rate_per_s(self) -> float:
        """Mean of the planned rate."""
        return self.curve.mean_per_s


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options of a load to Locust's `parser`."""
    group = parser.add_argument_group("Load options", "What loadtests/locustfile.py plans and records")
    group.add_argument("--environment", choices=ENVIRONMENT_NAMES, default="lab", help="inventory to load")
    group.add_argument("--scenario", choices=tuple(SCENARIOS), default="journey", help="what the users do")
    group.add_argument(
        "--rate", type=_rate, metavar="N", help=f"planned writes a second; default: {DEFAULT_RATE_PER_S:g}"
    )
    group.add_argument(
        "--shape", default=CONSTANT, metavar="SHAPE", help=f"how the rate changes over time: {KINDS}"
    )
    group.add_argument(
        "--duration", type=_duration, default=120.0, metavar="120s", help="how long arrivals are planned for"
    )
    group.add_argument(
        "--warm-up",
        type=_warm_up,
        default=DEFAULT_WARM_UP_S,
        metavar=f"{DEFAULT_WARM_UP_S:g}s",
        help="before that, the rate grows from 0 and then stays, half each; 0s: no warm-up",
    )
    group.add_argument(
        "--abort-on-fail",
        action="store_true",
        help="end the run as soon as a promise of the inventory can no longer be kept",
    )
    group.add_argument("--run-folder", metavar="DIR", help="where the record goes; default: new")
    group.add_argument(
        "--spacing", type=Spacing, choices=tuple(Spacing), default=Spacing.EVEN, help="arrivals in time"
    )
    group.add_argument("--run-seed", type=int, metavar="N", help="seed of mix and customers; default: clock")
    group.add_argument(
        "--start-at", type=float, metavar="UNIX_S", help="when the first arrival is due; default: at once"
    )
    # Where `loanstack load` has started what runs beside the scenario.
    group.add_argument("--accompanied", action="store_true", help=argparse.SUPPRESS)
    # With Locust's --worker: which of the workers that its master expects this one is.
    group.add_argument("--place", metavar="HOST/SLOT", help=argparse.SUPPRESS)
    group.add_argument("--ca-dir", type=Path, metavar="DIR", help="where ca.pem is; default: the inventory's")
    # Locust prints tables meant for a person at a terminal; this prints one line every few seconds.
    parser.set_defaults(loglevel="WARNING", only_summary=True)


def checked(
    parsed: argparse.Namespace,
    environment: Environment,
    *,
    share: Share = WHOLE,
    is_conducted: bool = False,
) -> LoadOptions:
    """Return the options in `parsed`, Locust's among them.

    + share: what of the plan this process makes
    + is_conducted: a master says when it begins and ends

    Raises:
        OptionsError: options cannot be used; names each of them, with the allowed values.
    """
    problems = []
    try:
        environment.require_allowed(Action.LOAD)
    except ConsentNeededError as needed:
        # The master was asked already; a worker on another host cannot be.
        problems += [] if is_conducted else [str(needed)]
    except NotAllowedError as refused:
        problems.append(str(refused))
    companions = () if parsed.accompanied else SCENARIOS[parsed.scenario].companions
    problems += [
        f"--scenario {parsed.scenario}: this drives the journey and not {companion.title}; run"
        f" loanstack load {environment.name} --scenario {parsed.scenario}"
        for companion in companions
    ]
    curve = None
    try:
        curve = curve_asked(
            parsed.shape, rate_per_s=parsed.rate, duration_s=parsed.duration, scenario=parsed.scenario
        )
    except ValueError as wrong:
        problems.append(f"--shape: {wrong}")
    if curve is not None and round(curve.writes) < 1:
        problems.append(
            f"--rate {curve.mean_per_s:g} for {parsed.duration:g} s plans no write; ask for at least one"
        )
    users = parsed.num_users
    if users is None:
        users = users_for(curve, most=environment.journey.users)
    customers = environment.journey.customers
    whose = f"the {customers} customers"
    if SCENARIOS[parsed.scenario].storm:
        customers //= len(environment.entities)
        whose = f"the {customers} customers of each legal entity"
    most = customers // CUSTOMERS_PER_USER_MIN
    if not 1 <= users <= most:
        problems.append(f"--users {users}; allowed: 1 to {most}, a tenth of {whose}")
    elif share.of > users:
        problems.append(f"{share.of} workers for {users} users; allowed: 1 to {users} workers")
    now_s = time.time()
    latest_s = now_s + _STARTS_WITHIN_DAYS * 86_400.0
    if parsed.start_at is not None and not now_s <= parsed.start_at <= latest_s:
        allowed = f"a unix time to come, within {_STARTS_WITHIN_DAYS} days"
        problems.append(f"--start-at {parsed.start_at:.0f}; allowed: {allowed}")
    if problems or curve is None:
        raise OptionsError(tuple(problems))
    return LoadOptions(
        environment=environment.name,
        scenario=parsed.scenario,
        shape=parsed.shape,
        curve=curve,
        duration_s=parsed.duration,
        warm_up_s=parsed.warm_up,
        spacing=parsed.spacing,
        run_seed=parsed.run_seed if parsed.run_seed is not None else int(now_s),
        run_folder=Path(parsed.run_folder) if parsed.run_folder else _new_folder(now_s),
        start_at_s=parsed.start_at,
        users=users,
        host=parsed.host,
        abort_on_fail=parsed.abort_on_fail,
        share=share,
        is_conducted=is_conducted,
    )


def users_for(curve: Curve | None, *, most: int) -> int:
    """Return how many users a load needs: as many as arrive in one second at the highest rate.

    That many wait at once if an answer takes a second (Little's law), so a system that stalls for a second
    still gets every arrival in time. With fewer users, arrivals would wait for a user: their latency would
    be the same, but the system would not see the whole queue, and could not process it together.

    + curve: the rate; None: it is not known, because the given rate is invalid
    + most: the environment's limit of users
    """
    if curve is None:
        return most
    return min(most, _USERS_TOGETHER * math.ceil(max(curve.highest_per_s, 1.0) / _USERS_TOGETHER))


def curve_asked(
    shape: str, *, rate_per_s: float | None, duration_s: float, scenario: str = "journey"
) -> Curve:
    """Return the curve of a shape, with the scenario's storm on top of it.

    If the shape needs a rate and none was given, the default rate is used.

    Raises:
        ValueError: as in `shape.curve_of`.
    """
    if rate_per_s is None and brings_no_rate(shape):
        rate_per_s = DEFAULT_RATE_PER_S
    curve = curve_of(shape, rate_per_s=rate_per_s, duration_s=duration_s)
    return storm.over(curve, SCENARIOS[scenario].storm)


def plan_of(options: LoadOptions, environment: Environment) -> Plan:
    """Return the arrivals of a run with `options`; those of its share, if it is one of several workers."""
    scenario = SCENARIOS[options.scenario]
    weights, reads_per_write = scenario.mix(environment.journey)
    whole = planned(
        curve=options.curve,
        duration_s=options.duration_s,
        weights=weights,
        reads_per_write=reads_per_write,
        spacing=options.spacing,
        seed=options.run_seed,
        warm_up_s=options.warm_up_s,
    )
    if scenario.storm:
        codes = [entity.code for entity in environment.entities]
        one = storm.storm_of(codes[0], duration_s=options.duration_s)
        found = storm.entities_of(
            whole.offsets_s, one, times=scenario.storm, entities=codes, seed=options.run_seed
        )
        whole = replace(whole, entities=found, storm=one)
    return options.share.plan(whole)


def _new_folder(now_s: float) -> Path:
    return PROJECT_ROOT / "runs" / run_folder_name(datetime.fromtimestamp(now_s, tz=UTC), "locust")


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not (rate > 0 and math.isfinite(rate)):
        raise argparse.ArgumentTypeError(f"{text!r}; allowed: a number of writes a second above 0")
    return rate


def _warm_up(text: str) -> float:
    return 0.0 if text == "0s" else _duration(text)


def _duration(text: str) -> float:
    try:
        return duration_s(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None
