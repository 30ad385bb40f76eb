"""The table of legal entities in one's storm."""

import json
from pathlib import Path

from loanstack.report import entities
from loanstack.report.page import write_report
from tests.unit.loanstack import example

FIGURES = {
    "entity_QH01_latency_p50_ms_calm": 10.0,
    "entity_QH01_latency_p99_ms_calm": 20.0,
    "entity_QH01_latency_p50_ms_storm": 12.0,
    "entity_QH01_latency_p99_ms_storm": 41.5,
    "entity_QH02_latency_p99_ms_calm": 21.0,
    "others_latency_p99_ms_calm": 21.0,
    "latency_p99_ms": 30.0,
}


def test_each_entity_has_its_row_and_what_was_not_measured_stays_open() -> None:
    assert entities.rows(FIGURES) == [
        ("QH01", [10.0, 12.0, 20.0, 41.5]),
        ("QH02", [None, None, 21.0, None]),
    ]
    assert entities.rows({"latency_p99_ms": 30.0}) == []


def test_the_page_shows_them_beside_each_other(tmp_path: Path) -> None:
    folder = example.prove(tmp_path / "run").path
    assert "Legal entities in one's storm" not in write_report(folder).read_text()
    path = folder / "4-load" / "results.json"
    found = json.loads(path.read_text())
    found["figures"] |= FIGURES
    path.write_text(json.dumps(found))
    html = write_report(folder).read_text()
    table = (
        html.split("Legal entities in one&#39;s storm")[-1]
        .split("in one's storm</h4>")[-1]
        .split("</table>")[0]
    )
    assert "QH01" in table
    assert "41.5 ms" in table
