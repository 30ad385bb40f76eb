"""Settings of a tool: JSON that the deploy wrote, checked against a class."""

import os
from pathlib import Path
from typing import TypeVar

import msgspec

from hosttools.errors import ToolError

FOLDER = Path("/etc/loanstack")
_Settings = TypeVar("_Settings", bound=msgspec.Struct)


def load(kind: type[_Settings], file_name: str, *, variable: str) -> _Settings:
    """Return the settings in `file_name`.

    + kind: class with a field for each setting; it should forbid unknown fields
    + file_name: name in /etc/loanstack
    + variable: environment variable that names another file

    Raises:
        ToolError: the file cannot be read, or a value is missing, unknown or of another type.
    """
    return load_file(kind, Path(os.environ.get(variable) or FOLDER / file_name))


def load_file(kind: type[_Settings], path: Path) -> _Settings:
    """Return the settings in the file `path`.

    + kind: class with a field for each setting; it should forbid unknown fields

    Raises:
        ToolError: the file cannot be read, or a value is missing, unknown or of another type.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as failure:
        raise ToolError(f"{path}: {failure.strerror}; run the deploy, which writes it") from failure
    except (msgspec.MsgspecError, UnicodeDecodeError) as mistake:
        raise ToolError(f"{path}: {mistake}; run the deploy, which writes it anew") from mistake
