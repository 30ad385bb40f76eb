"""The record of a heal that is due: on disk from before the fault until the heal is done."""

import json
from dataclasses import asdict
from pathlib import Path

from chaos.catalogue.model import HealRecord
from chaos.system.world import WorldError
from inventory import places
from inventory.model import Environment
from proof.files import FileError, read_json, write_whole

_REMEDY = (
    "look at the roles of both databases, make one the primary and the other its standby,"
    " then delete the file"
)


def record_path(env: Environment) -> Path:
    """Return the path of the heal record of a running drill, for a later process after a crash.

    It is deleted with the environment's state, because a lab that was taken down has nothing to heal.
    """
    folder = places.lab_dir() if env.is_lab else places.state_dir() / env.name
    return folder / "drill-heal.json"


def lock_beside(record: Path) -> Path:
    """Return the file whose lock a running drill holds; + record: its heal record, see `record_path`."""
    return record.with_suffix(".lock")


def save_record(record: HealRecord, *paths: Path) -> None:
    """Write `record` to each of `paths` atomically, and sync it to disk before anything is broken."""
    text = json.dumps(asdict(record), indent=2) + "\n"
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text, durably=True)


def load_record(path: Path) -> HealRecord | None:
    """Return the record in `path`; None if there is none.

    Raises:
        WorldError: the file is damaged; says what to do.
    """
    try:
        return read_json(path, HealRecord, remedy=_REMEDY)
    except FileNotFoundError:
        return None
    except FileError as broken:
        raise WorldError(str(broken)) from None
