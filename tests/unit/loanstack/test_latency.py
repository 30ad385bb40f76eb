"""Latency in whole: nothing drawn outside the picture, and no slow write so few that it is not seen."""

import re
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from loanstack.report.charts import WIDTH
from loanstack.report.latency import heat_map, percentile_curve

BOUNDS_MS = (1.0, 10.0, 100.0)
cells = st.lists(st.lists(st.integers(0, 5000), min_size=4, max_size=4), min_size=1, max_size=40)
curves = st.lists(st.tuples(st.floats(0.0, 99.999), st.floats(0.01, 1e5)), min_size=1, max_size=20)


def picture(html: str) -> ET.Element:
    return ET.fromstring(html[: html.index("</svg>") + 6])  # noqa: S314 - ours


@given(cells)
def test_every_cell_with_a_write_is_drawn_and_seen(counts: list[list[int]]) -> None:
    drawn = picture(heat_map("x", counts, BOUNDS_MS))
    rects = [each for each in drawn.iter("rect") if each.get("class") == "heat"]
    assert len(rects) == sum(bool(count) for second in counts for count in second)
    height = float(drawn.attrib["viewBox"].split()[3])
    for rect in rects:
        assert float(rect.attrib["fill-opacity"]) >= 0.12
        assert 0 <= float(rect.attrib["x"]) <= WIDTH - float(rect.attrib["width"]) + 0.1
        assert 0 <= float(rect.attrib["y"]) <= height


def test_the_slow_stand_above_the_fast() -> None:
    drawn = picture(heat_map("x", [[5, 0, 0, 1]], BOUNDS_MS))
    fast, slow = (float(each.attrib["y"]) for each in drawn.iter("rect"))
    assert slow < fast
    words = [each.text for each in drawn.iter("text")]
    assert {"< 1", ">= 100"} <= set(words)


@given(curves, curves)
def test_a_curve_stays_inside(one: list[tuple[float, float]], other: list[tuple[float, float]]) -> None:
    html = percentile_curve("x", (("a", "good", one), ("b", "accent", other)))
    height = float(picture(html).attrib["viewBox"].split()[3])
    for path in picture(html).iter("path"):
        for x, y in re.findall(r"([\d.]+) ([\d.]+)", path.attrib["d"]):
            assert 0 <= float(x) <= WIDTH + 0.1
            assert 0 <= float(y) <= height
    assert html.count("<li>") == 2
