"""Whether two machines have the same load generator: workers share one plan, and each makes it by itself."""

import hashlib
from pathlib import Path

import inventory
import processes
import proof

_HEX_DIGITS = 12


def of_code() -> str:
    """Return a short SHA-256 over all modules of the load generator; it differs if any file differs."""
    ours = Path(__file__).parents[1]
    others = (Path(str(package.__file__)).parent for package in (inventory, processes, proof))
    return of_packages(ours, *others)


def of_packages(*folders: Path) -> str:
    """Return the digits for all modules below `folders`, by their names and contents."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder.parent)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:_HEX_DIGITS]
