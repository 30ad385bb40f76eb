"""Titles of figures by their stable names, and texts of numbers with their units."""

from itertools import pairwise

_TITLES = {
    "tps_acknowledged": "Acknowledged transactions per second",
    "tps_planned": "Planned transactions per second",
    "errors": "Errors",
    "latency_p50_ms": "Latency p50, from the planned start",
    "latency_p90_ms": "Latency p90, from the planned start",
    "latency_p95_ms": "Latency p95, from the planned start",
    "latency_p99_ms": "Latency p99, from the planned start",
    "latency_p999_ms": "Latency p99.9, from planned start",
    "latency_reads_p99_ms": "Latency of queries p99, from planned start",
    "latency_max_ms": "Latency, longest",
    "worst_second_ratio": "Worst second, share acknowledged",
    "standby_lag_p50_ms": "Standby lag p50",
    "standby_lag_p99_ms": "Standby lag p99",
    "standby_lag_max_ms": "Standby lag, longest",
    "rto_ms": "RTO as the client sees it",
    "rto_ms_p50": "RTO p50 over the repeats",
    "rto_ms_p95": "RTO p95 over the repeats",
    "rto_ms_max": "RTO, longest",
    "acknowledged_lost": "Acknowledged writes missing",
    "acknowledged_doubled": "Acknowledged writes applied twice",
    "rto_detect_ms": "RTO part: notice that the primary is gone",
    "rto_decide_ms": "RTO part: decide",
    "rto_fence_ms": "RTO part: fence the old primary",
    "rto_promote_ms": "RTO part: promote the standby",
    "rto_reroute_ms": "RTO part: services find the new primary",
    "rto_recover_ms": "RTO part: first acknowledged write",
    "lost_window_ms": "Window of the missing writes",
    "lost_window_ms_p99": "Window of the missing writes, p99 over the repeats",
    "two_primaries_seen": "Direct writes that a second primary accepted",
    "probes": "Direct writes tried on both databases",
    "probes_accepted": "Direct writes that were accepted",
    "drills": "Drills",
    "residue": "Left behind by heals",
    "operations_changed": "Operations that changed something",
    "operations_pending": "Operations that would change something",
    "operations": "Operations checked",
    "hosts": "Hosts",
    "hosts_failed": "Hosts that failed",
    "deploy_s": "Time to converge",
    "tests_passed": "Host tests passed",
    "tests_failed": "Host tests failed",
    "hosts_untested": "Hosts without a test that passed",
    "verify_s": "Time to validate",
    "seed_s": "Time to seed customers",
    "customers": "Seeded customers",
    "customers_inserted": "Customers seeded by this run",
    "customers_seed": "Seed that the customers were made from",
    "rows_inserted": "Rows inserted",
    "rows_per_s": "Rows inserted per second",
    "standby_lag_ms": "Standby lag at the end",
    "standby_caught_up_s": "Time until the standby had all of it",
    "memory_mib_total": "Memory of all hosts under load",
    "cpu_ms_per_transaction": "CPU per acknowledged transaction",
    "cpu_ms_per_transaction_at_reference_speed": "CPU per transaction, at reference speed",
    "memory_mib_generator": "Memory of the load generator",
    "lag_before_fault_ms": "Standby lag right before the fault",
    "repeats": "Repeats",
    "rto_sustained_ms": "Until the rate was back for good",
    "rto_sustained_ms_max": "Until the rate was back for good, longest",
    "silence_ms": "A route or legal entity without an answer",
    "silence_ms_max": "A route or legal entity without an answer, longest",
    "error_ratio_max": "Errors, share of all requests, most",
    "two_primaries_blind_ms": "A second primary could go unseen for",
    "two_primaries_blind_ms_max": "A second primary could go unseen for, at most",
    "clock_offset_max_ms": "Clocks of hosts, furthest apart",
    "clock_offset_uncertainty_ms": "Clocks of hosts, uncertainty of that",
    "clock_offset_certain_ms": "Clocks of hosts, apart for certain",
    "clock_offset_certain_ms_max": "Clocks of hosts, apart for certain, most",
    "rejoin_s": "Time until the old primary followed as standby",
    "lost_allowed_ms": "Window in which a loss is within the lag",
    "acknowledged_per_s_before": "Acknowledged writes per second before the fault",
    "capacity_tps": "Capacity, transactions per second within all promises",
    "capacity_tps_low": "Capacity, highest rate that was kept",
    "capacity_tps_high": "Capacity, lowest rate that was not kept",
    "capacity_probes": "Rates probed for the capacity",
    "capacity_probes_invalid": "Of these, probes that proved nothing",
    "knee_tps": "Rate at the knee of the latency",
    "acknowledged_ratio": "Acknowledged over planned writes",
    "rows_invented": "Journal rows that no client asked for",
    "transactions_acknowledged": "Transactions acknowledged",
    "transactions_with_warm_up": "Transactions acknowledged, those of the warm-up too",
    "error_ratio": "Errors, share of all requests",
    "generator_cpu_ms_per_request": "CPU per request, load generator",
    "bad_seconds": "Seconds in which the promise was not kept",
    "tps_answered": "Transactions per second, acknowledged or rightly refused",
    "writes_refused": "Writes rightly refused for want of room",
    "refusals_unfounded": "Refusals for want of room although there was room",
    "overdraws_refused": "Draws of more than a whole limit, refused",
    "overdraws_acknowledged": "Draws acknowledged although there was no room",
    "others_latency_p50_ms_calm": "Other legal entities' latency p50 before the storm",
    "others_latency_p99_ms_calm": "Other legal entities' latency p99 before the storm",
    "others_latency_p50_ms_storm": "Other legal entities' latency p50 in the storm",
    "others_latency_p99_ms_storm": "Other legal entities' latency p99 in the storm",
    "others_slowdown_p50_ratio": "Other legal entities' latency p50, storm over before",
    "others_slowdown_p99_ratio": "Other legal entities' latency p99, storm over before",
    "errors_rejected": "Writes answered with a definite no",
    "errors_indeterminate": "Writes that may have happened",
    "errors_unsent": "Writes that were never sent",
    "freeze_at_s": "Major freeze, after the start",
    "merge_s": "Merge, until both databases were done",
    "merge_primary_s": "Merge, until the primary was done",
    "merge_standby_s": "Merge, until the standby was done",
    "freeze_worst_second_ratio": "Worst second during the merge, share acknowledged",
    "freeze_worst_second_at_s": "Worst second during the merge, after the start",
    "freeze_latency_p99_ms": "Latency p99 during the merge",
    "freeze_latency_max_ms": "Latency during the merge, longest",
    "reports_completed": "Reports completed beside the transactions",
    "reports_failed": "Reports without an answer",
    "reports_wrong": "Reports with a wrong answer",
    "report_latency_p50_ms": "Report, median time",
    "report_latency_max_ms": "Report, longest time",
    "report_rows_read": "Rows that the reports added up",
    "soak_components": "Components sampled over the soak",
    "soak_samples": "Samples of each component, at least",
    "soak_memory_mib_per_h_max": "Memory growth of a component in an hour, most",
    "soak_caches_mib_max": "A database's caches, most",
    "soak_handles_per_h_max": "Open handles more in an hour, most",
    "soak_restarts": "Restarts of components during the soak",
    "worst_second_tps": "Transactions in the worst second",
    "generator_cpu_percent": "Load generator, percent of a core",
    "generator_cpu_percent_max": "Load generator, percent of a core, busiest worker",
    "generator_workers": "Load generator, workers",
    "sent_ratio": "Writes sent in their time, of those planned",
    "generator_lateness_p99_ms": "Load generator, lateness p99",
    "machine_loop_ms": "Machine, one core's time for the loop",
    "machine_loop_cpu_ms": "Machine, the loop's processor time amid the load",
    "machine_busy_percent": "Machine, percent of all cores busy",
    "machine_stolen_percent": "Machine, percent of all cores taken by others",
    "prove_s": "Time for all of it",
    "first_deploy_s": "First deploy",
    "second_deploy_s": "Second deploy",
    "first_operations_changed": "First deploy, operations that changed something",
    "second_operations_changed": "Second deploy, operations that changed something",
    "acknowledged_lost_in_drills": "Acknowledged writes missing after failovers",
    "acknowledged_lost_cross_centre": "Of these, missing under cross_centre",
    "cpu_ms_per_transaction_gateway": "CPU per transaction, gateways",
    "service_failures": "Requests that failed between portal and service",
    "service_share_min": "Least share of a service, by weight",
    "hosts_upgraded": "Hosts upgraded",
    "hosts_rolled_back": "Hosts that got the version of before again",
    "upgrade_s": "Upgrade, all of it",
    "cpu_ms_per_request_portal": "CPU per request, channel portals",
    "cpu_ms_per_transaction_tongweb": "CPU per transaction, channel portals",
    "cpu_ms_per_transaction_loan": "CPU per transaction, loan services",
    "cpu_ms_per_transaction_oceanbase": "CPU per transaction, databases",
    "cpu_ms_per_transaction_databases": "CPU per transaction, databases alone",
    "cpu_ms_per_transaction_monitor": "CPU per transaction, monitoring",
    "cpu_ms_per_transaction_loadgen": "CPU per transaction, load generator's hosts beside it",
}

_UNITS = {"ms": "ms", "s": "s", "mib": "MiB", "fen": "fen"}


def unit(name: str) -> str:
    """Return the unit in the name of a figure, or an empty text for counts and rates."""
    words = name.split("_")
    if words[0] == "ratio":
        # A ratio of two times or sizes: the name says of which, and it has no unit.
        return ""
    for before, word in pairwise(words):
        # `per_s` marks a rate, which is not a time.
        if word in _UNITS and before != "per":
            return _UNITS[word]
    return ""


def title(name: str) -> str:
    """Return the title of a figure; for an unknown figure, the words of its name."""
    known = _TITLES.get(name)
    if known is not None:
        return known
    measured = unit(name)
    words = " ".join(word for word in name.split("_") if not measured or _UNITS.get(word) != measured)
    return words[:1].upper() + words[1:]


def number(value: float) -> str:
    """Return the text of `value`: thousands separated, and only as many decimals as are useful."""
    if value == int(value):
        return f"{int(value):,}"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 4
    return f"{value:,.{digits}f}"


def shown(name: str, value: float) -> str:
    """Return the figure `name` with its unit."""
    measured = unit(name)
    return f"{number(value)} {measured}" if measured else number(value)
