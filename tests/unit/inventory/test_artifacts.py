"""The depot's SHA256SUMS becomes typed artifacts; what is not of its form is refused by line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.artifacts import listed_in, parse_sums

DIGEST = "ab" * 32


def test_a_filled_depot_lists_its_artifacts(tmp_path: Path) -> None:
    sums = tmp_path / "SHA256SUMS"
    sums.write_text(
        f"{DIGEST}  seekdb-1.4.0.post1-x86_64.tar.gz\n"
        f"{DIGEST}  loan-services-0.1.0+0123456789ab-aarch64.tar.gz\n"
        f"{DIGEST}  jdbc-driver-2.7.6-x86_64.jar\n"
        f"{DIGEST}  notes.txt\n"
    )
    found = {a.name: a for a in listed_in(sums, base_url="http://198.18.0.1:8480/artifacts")}
    assert set(found) == {"seekdb", "loan-services", "jdbc-driver"}
    assert (found["seekdb"].version, found["seekdb"].arch) == ("1.4.0.post1", "x86_64")
    assert (found["loan-services"].version, found["loan-services"].arch) == ("0.1.0+0123456789ab", "aarch64")
    assert found["seekdb"].url == "http://198.18.0.1:8480/artifacts/seekdb-1.4.0.post1-x86_64.tar.gz"
    assert found["seekdb"].sha256 == DIGEST


def test_an_empty_depot_has_none(tmp_path: Path) -> None:
    assert listed_in(tmp_path / "SHA256SUMS", base_url="http://198.18.0.1") == ()


@given(
    st.dictionaries(
        st.from_regex(r"[a-z0-9.+_-]{1,30}", fullmatch=True), st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
    )
)
def test_sums_read_back_what_sha256sum_writes(sums: dict[str, str]) -> None:
    text = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
    assert parse_sums(text) == sums


@pytest.mark.parametrize("line", ["", "abc  file", f"{DIGEST} ", f"{DIGEST.upper()}  file"])
def test_a_broken_line_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        parse_sums(f"{DIGEST}  good\n{line}\n")
