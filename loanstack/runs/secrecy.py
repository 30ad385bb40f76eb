"""Removes secrets from the files of a run, because run folders are passed on to other people."""

from pathlib import Path

from inventory import secrets

_CHUNK_BYTES = 1 << 20


def leaks(folder: Path, secrets_file: Path) -> tuple[str, ...]:
    """Overwrite every secret found in the files below `folder`; return a reason for each file and secret.

    + secrets_file: file with the secrets' values; if it does not exist, there is nothing to look for
    """
    if not secrets_file.exists():
        return ()
    values = {name: value.encode() for name, value in secrets.load(secrets_file).named.items()}
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        for name in _secrets_in(path, values):
            path.write_bytes(path.read_bytes().replace(values[name], f"<{name}>".encode()))
            where = path.relative_to(folder)
            found.append(
                f"{where} held the {name} (blotted out): find what printed it, and change the secret"
            )
    return tuple(found)


def _secrets_in(path: Path, values: dict[str, bytes]) -> set[str]:
    """Return the names of the secrets in a file; reads overlapping pieces, so that the file may be large."""
    overlap = max(len(value) for value in values.values()) - 1
    found: set[str] = set()
    kept = b""
    with path.open("rb") as file:
        while piece := file.read(_CHUNK_BYTES):
            window = kept + piece
            found.update(name for name, value in values.items() if value in window)
            kept = window[-overlap:]
    return found
