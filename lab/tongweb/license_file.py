"""The stand-in's licence: a separate artifact, as a bank's licence is."""

from pathlib import Path

NAME = "tongweb-license"
_VERSION = "7.0"
"""Of the product that it is for."""
TEXT = """\
consumer_name=loanstack lab
project_name=loanstack
license_type=release
create_date=2026-01-01
end_date=-1
TW_Product_Name=TongWeb stand-in
TW_Version_Number=7.0
"""


def build(cache: Path) -> Path:
    """Return the licence, which never ends, as a file for hosts."""
    target = cache / "artifacts" / f"{NAME}-{_VERSION}-x86_64.dat"
    if not target.exists() or target.read_text() != TEXT:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(TEXT)
    return target
