"""Settings files of host tools that were damaged, as by a full disk or a crash."""

from pathlib import Path

import msgspec
import pytest

from hosttools import settings
from hosttools.errors import ToolError


class Thing(msgspec.Struct, forbid_unknown_fields=True):
    name: str


@pytest.mark.parametrize("content", [b"", b'{"name": "a', b"\0" * 20, b'{"name": "\xff"}', b'{"\xff": 1}'])
def test_a_damaged_file_is_named_with_the_remedy(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "thing.json"
    file.write_bytes(content)
    with pytest.raises(ToolError, match=r"thing\.json: .*; run the deploy, which writes it anew"):
        settings.load_file(Thing, file)
