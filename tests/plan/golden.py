"""Rendered files, compared with the ones a person has read and approved.

`LOANSTACK_UPDATE_GOLDEN=1 pytest tests/plan` writes them anew; the difference is then read in git.
"""

import os
from pathlib import Path

_FOLDER = Path(__file__).parent / "golden"


def assert_golden(name: str, text: str) -> None:
    """Compare `text` with golden/`name`."""
    path = _FOLDER / name
    if os.environ.get("LOANSTACK_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.exists(), (
        f"{path} is missing; read the rendered text, then run with LOANSTACK_UPDATE_GOLDEN=1"
    )
    assert text == path.read_text()
