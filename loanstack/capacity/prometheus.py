"""Prometheus' raw samples of hosts and services during a probe, queried once, after the probe."""

import json
import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inventory.model import Environment, Role
from loanstack.runs.folder import RunFolder
from processes import ssh

PROMETHEUS_FILE = "prometheus.json"
_WITHIN_S = 15.0
_NAMES = "node_cpu_seconds_total|node_disk_io_time_seconds_total|loan_pool_(size|in_use|waiting)"

Series = Mapping[str, Any]
"""One element of a matrix: `metric` (labels) and `values` (pairs of unix time and text)."""


@dataclass(frozen=True, kw_only=True)
class PoolUse:
    """The connection pool of one host's services."""

    host: str
    size: float
    in_use_mean: float
    waiting_share: float
    """Share of the samples in which requests waited for a connection."""


@dataclass(frozen=True, kw_only=True)
class HostUse:
    """Use of one host's own machine, in percent."""

    host: str
    busy: float
    stolen: float
    disk: float
    """Share of the time in which its busiest disk had work."""


def save(env: Environment, folder: RunFolder, *, from_s: float, until_s: float) -> None:
    """Write the samples of a window into `folder`; writes none if no Prometheus answers.

    The query is a range selector, which returns the samples as scraped, without interpolation.
    """
    monitors = env.hosts_with(Role.MONITOR)
    query = f'{{__name__=~"{_NAMES}"}}[{max(1, round(until_s - from_s))}s]'
    fields = {"query": query, "time": f"{until_s:.3f}"}
    options = [part for name, value in fields.items() for part in ("--data-urlencode", f"{name}={value}")]
    url = f"http://127.0.0.1:{env.monitoring.prometheus_port}/api/v1/query"
    command = shlex.join(["curl", "--silent", "--fail", "--max-time", "10", *options, url])
    found: list[Series] = []
    for host in monitors[:1]:
        done = ssh.run(env, host, command, within_s=_WITHIN_S)
        with suppress(ValueError, KeyError):
            found = json.loads(done.stdout if done else "")["data"]["result"]
    folder.write_json(PROMETHEUS_FILE, found)


def read(folder: Path) -> list[Series]:
    """Return the samples in `folder`."""
    return RunFolder(path=folder).read_json(PROMETHEUS_FILE) or []


def pools(found: Iterable[Series]) -> tuple[PoolUse, ...]:
    """Return the use of each host's pool, the fullest first; nothing for a host without samples."""
    values: defaultdict[str, dict[str, Sequence[float]]] = defaultdict(dict)
    for series in found:
        name = series["metric"]["__name__"]
        if name.startswith("loan_pool_"):
            values[series["metric"]["host"]][name.removeprefix("loan_pool_")] = _values(series)
    uses = [
        PoolUse(
            host=host,
            size=max(of["size"]),
            in_use_mean=sum(of["in_use"]) / len(of["in_use"]),
            waiting_share=sum(waiting > 0 for waiting in of["waiting"]) / len(of["waiting"]),
        )
        for host, of in values.items()
        if all(of.get(name) for name in ("size", "in_use", "waiting"))
    ]
    return tuple(sorted(uses, key=lambda use: (use.waiting_share, use.in_use_mean), reverse=True))


def hosts(found: Iterable[Series]) -> tuple[HostUse, ...]:
    """Return the use of each host's machine, the busiest first; a host with a single sample is left out."""
    cpu_s: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    disk: defaultdict[str, float] = defaultdict(float)
    for series in found:
        metric, values = series["metric"], series["values"]
        seconds = float(values[-1][0]) - float(values[0][0])
        if seconds <= 0:
            continue
        share = (float(values[-1][1]) - float(values[0][1])) / seconds
        if metric["__name__"] == "node_cpu_seconds_total":
            cpu_s[metric["host"]][metric["mode"]] += share
        elif metric["__name__"] == "node_disk_io_time_seconds_total":
            disk[metric["host"]] = max(disk[metric["host"]], share)
    uses = [
        HostUse(
            host=host,
            busy=100.0 * (1.0 - (modes["idle"] + modes["iowait"] + modes["steal"]) / whole),
            stolen=100.0 * modes["steal"] / whole,
            disk=100.0 * disk[host],
        )
        for host, modes in cpu_s.items()
        if (whole := sum(modes.values())) > 0
    ]
    return tuple(sorted(uses, key=lambda use: use.busy, reverse=True))


def _values(series: Series) -> Sequence[float]:
    return [float(value) for _, value in series["values"]]
