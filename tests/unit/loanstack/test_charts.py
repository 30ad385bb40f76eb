"""Charts: what is drawn lies inside the picture, and says what it was told."""

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loanstack.report.bars import Bar, stacked_bars
from loanstack.report.charts import WIDTH, Limit, Mark, Series, Span, time_chart
from loanstack.report.scales import fixed, label, linear, logarithmic

VALUES = st.floats(0, 1e7, allow_nan=False)


def picture(html: str) -> ET.Element:
    return ET.fromstring(html[: html.index("</svg>") + 6])  # noqa: S314 - ours


@given(low=st.floats(-1e6, 1e6), span=st.floats(0, 1e7), count=st.integers(2, 12))
def test_a_linear_axis_covers_its_range_with_rising_ticks(low: float, span: float, count: int) -> None:
    axis = linear(low, low + span, count=count)
    assert list(axis.ticks) == sorted(set(axis.ticks))
    assert len(axis.ticks) <= 2 * count + 3
    assert -1e-6 <= axis.place(low) <= axis.place(low + span) <= 1 + 1e-6


@given(low=VALUES, high=VALUES)
def test_a_logarithmic_axis_keeps_every_value_inside(low: float, high: float) -> None:
    low, high = sorted((low, high))
    axis = logarithmic(low, high)
    for value in (low, high):
        assert -1e-9 <= axis.place(value) <= 1 + 1e-9 or value < axis.ticks[0]


@given(st.floats(0.001, 1e6))
def test_a_fixed_axis_ends_where_it_was_told(high: float) -> None:
    axis = fixed(high)
    assert axis.place(high) == pytest.approx(1)
    assert max(axis.ticks) <= high


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1000, "1,000"), (2.5, "2.5"), (0.25, "0.25"), (1e6, "1,000,000")]
)
def test_ticks_say_round_numbers(value: float, text: str) -> None:
    assert label(value) == text


@given(
    points=st.lists(st.tuples(st.floats(0, 60), VALUES) | st.none(), max_size=30),
    marks=st.lists(st.floats(-10, 100), max_size=6),
    log=st.booleans(),
)
def test_whatever_is_drawn_lies_inside_the_picture(
    points: list[tuple[float, float] | None], marks: list[float], log: bool
) -> None:
    html = time_chart(
        "x",
        [Series(name="a", style="good", points=points)],
        unit="ms",
        end_s=60,
        marks=[Mark(at_s=at_s, name=f"mark {n}") for n, at_s in enumerate(marks)],
        limit=Limit(value=250, name="promised"),
        log=log,
    )
    root = picture(html)
    _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
    assert width == WIDTH
    for element in root.iter():
        for name in ("x", "x1", "x2"):
            assert 0 <= float(element.attrib.get(name, 0)) <= width
        for name in ("y", "y1", "y2"):
            assert 0 <= float(element.attrib.get(name, 0)) <= height
    numbers = [float(n) for n in re.findall(r"[ML]([\d.]+)", html)]
    assert all(0 <= n <= width for n in numbers)


def test_a_gap_breaks_the_line() -> None:
    html = time_chart(
        "x", [Series(name="a", style="good", points=[(1, 1), (2, 2), None, (4, 4)])], unit="ms", end_s=5
    )
    assert len(re.findall(r"M[\d.]+", html)) == 2


def test_labels_of_marks_in_the_same_moment_stand_on_different_rows() -> None:
    marks = [
        Mark(at_s=at_s, name=name) for at_s, name in ((20, "fault"), (20.1, "first error"), (21, "promoted"))
    ]
    root = picture(time_chart("x", [], unit="", end_s=60, marks=marks))
    rows = [e.attrib["y"] for e in root.iter() if e.attrib.get("class", "").startswith("mark-name")]
    assert len(set(rows)) == 3


def test_marks_outside_of_the_time_shown_are_left_out() -> None:
    html = time_chart(
        "x", [], unit="", end_s=10, marks=[Mark(at_s=11, name="late"), Mark(at_s=-1, name="early")]
    )
    assert "late" not in html
    assert "early" not in html


def test_a_span_is_shaded_to_scale_and_no_further_than_the_time_shown() -> None:
    spans = [
        Span(from_s=10, until_s=20, name="merge"),
        Span(from_s=35, until_s=90, name="merge"),
        Span(from_s=50, until_s=60, name="after the end"),
    ]
    html = time_chart("x", [], unit="", end_s=40, spans=spans)
    widths = [float(e.attrib["width"]) for e in picture(html).iter() if e.attrib.get("class") == "span"]
    assert widths == [pytest.approx(2 * widths[1], abs=0.1), widths[1]]
    assert "after the end" not in html


def test_the_parts_of_a_bar_follow_each_other_to_scale() -> None:
    bars = [Bar(name="crash", parts=[("detect", 1000), ("promote", 3000)])]
    root = picture(stacked_bars("RTO", bars, limit=Limit(value=15_000, name="promised")))
    boxes = [e.attrib for e in root.iter() if e.tag == "rect"]
    first, second = ((float(b["x"]), float(b["width"])) for b in boxes)
    assert first[0] + first[1] == pytest.approx(second[0], abs=0.2)
    assert second[1] == pytest.approx(3 * first[1], abs=0.1)


def test_a_limit_that_is_far_away_is_named_but_does_not_shrink_the_bars() -> None:
    bars = [Bar(name="crash", parts=[("detect", 1000.0)])]
    html = stacked_bars("RTO", bars, limit=Limit(value=15_000, name="promised: 15 s"))
    widest = max(float(e.attrib["width"]) for e in picture(html).iter() if e.tag == "rect")
    assert widest > WIDTH / 2
    assert "promised: 15 s, beyond this axis" in html
    assert 'class="limit"' not in html


def test_names_in_charts_are_escaped() -> None:
    html = time_chart("<b>", [Series(name="<i>", style="good", points=[])] * 2, unit="<u>", end_s=1)
    assert "<b>" not in html
    assert "<u>" not in html
    assert "<i>" not in html.replace('<i class="good"></i>', "")
