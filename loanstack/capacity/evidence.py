"""The evidence of one probe, from the files of its folder alone."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inventory.model import Environment
from loadtests.results import run_info
from loadtests.results.run_info import RunInfo
from loanstack.capacity import database_watch, prometheus
from loanstack.capacity.bottleneck import Evidence
from loanstack.measure import machine_watch
from loanstack.measure.machine_watch import MachineSample, Used
from loanstack.runs.folder import RunFolder
from proof.files import FileError

_WORDS = {"gateway": "gateways", "loan": "services", "oceanbase": "databases", "monitor": "monitoring"}
_GENERATOR = "load generator"
_REST = "kernel and others"


def of_folder(folder: Path, env: Environment) -> Evidence:
    """Return the evidence in a probe's folder; measurements that were not saved there are left out."""
    try:
        load = run_info.read(folder)
    except (FileNotFoundError, FileError):
        return Evidence(is_shared=env.is_lab)
    samples = machine_watch.read(folder)
    until_s = load.start_s + load.measured_s
    used = machine_watch.used(samples, from_s=load.start_s, until_s=until_s)
    series = prometheus.read(folder)
    rows = (RunFolder(path=folder).read_json("hosts.json") or {}).get("rows", ())
    return Evidence(
        is_shared=env.is_lab,
        cores=os.cpu_count(),
        machine=used,
        components=components(rows, env, samples, used, load) if env.is_lab else {},
        hosts=prometheus.hosts(series),
        pools=prometheus.pools(series),
        statements=database_watch.of_window(folder, from_s=load.start_s, until_s=until_s),
        generator_cpu_percent=load.cpu_percent,
    )


def components(
    rows: Sequence[Mapping[str, Any]],
    env: Environment,
    samples: Sequence[MachineSample],
    used: Used | None,
    load: RunInfo,
) -> dict[str, float]:
    """Return the percent of the machine that each component used in the measured window.

    Units are read before and after the load, so their seconds include the warm-up. Therefore each component's
    share of all busy time between the two readings is multiplied by how busy the machine was in the window.
    """
    if used is None:
        return {}
    busy_s = (samples[-1].cpu.busy - samples[0].cpu.busy) / os.sysconf("SC_CLK_TCK")
    if busy_s <= 0:
        return {}
    seconds: defaultdict[str, float] = defaultdict(float)
    for row in rows:
        role = env.host(row["host"]).roles[0]
        seconds[_WORDS.get(role, role)] += row["cpu_s"]
    seconds[_GENERATOR] += load.cpu_percent / 100.0 * (load.measured_s + load.warm_up_s)
    seconds[_REST] = max(0.0, busy_s - sum(seconds.values()))
    return {name: used.busy * of_s / busy_s for name, of_s in seconds.items()}
