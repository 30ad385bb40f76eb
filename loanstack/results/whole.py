"""The main figures of a whole proof, from the results of its parts. Pure."""

from collections.abc import Mapping, Sequence

from inventory.availability import Durability
from loanstack.results.drills import rto_over
from loanstack.runs.folder import Results

_OF_VERIFY = ("tests_passed", "tests_failed", "tests_skipped", "verify_s", "customers", "seed_s")


def part_name(folder: str) -> str:
    """Return the name of a part, from its folder `<number>-<name>`."""
    return folder.partition("-")[2]


def figures_of(parts: Mapping[str, Results]) -> dict[str, float]:
    """Return the figures of a proof; + parts: by `part_name`."""
    figures: dict[str, float] = {}
    for name, prefix in (("deploy", "first"), ("deploy-again", "second")):
        deployed = parts.get(name)
        if deployed is not None:
            for figure in ("deploy_s", "operations_changed"):
                if figure in deployed.figures:
                    figures[f"{prefix}_{figure}"] = deployed.figures[figure]
    if (loaded := parts.get("load")) is not None:
        figures |= loaded.figures
    if (verified := parts.get("verify")) is not None:
        figures |= {name: value for name, value in verified.figures.items() if name in _OF_VERIFY}
    drills = {name: found for name, found in parts.items() if found.verb == "drill"}
    figures |= rto_over([found.figures.get("rto_ms") for found in drills.values()])
    if drills:
        figures["acknowledged_lost_in_drills"] = _lost([*drills.values()])
        crossed = [found for name, found in drills.items() if name.endswith(f"-{Durability.CROSS_CENTRE}")]
        if crossed:
            figures["acknowledged_lost_cross_centre"] = _lost(crossed)
        figures["residue"] = sum(found.figures.get("residue", 0) for found in drills.values())
    return figures


def _lost(drilled: Sequence[Results]) -> float:
    return sum(found.figures.get("acknowledged_lost", 0) for found in drilled)
