"""Whether this instance takes requests: each file in a folder is a reason why not, such as an upgrade."""

from pathlib import Path


def reasons(folder: Path | None) -> tuple[str, ...]:
    """Return why this instance is out of rotation, sorted; none: it is in.

    Args:
        folder: where whoever takes it out leaves a file; None or missing: nobody does.
    """
    if folder is None or not folder.is_dir():
        return ()
    return tuple(sorted(path.name for path in folder.iterdir()))
