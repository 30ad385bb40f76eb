"""The SVG elements of the charts; texts are escaped here."""

from collections.abc import Iterable
from html import escape


def picture(title: str, *, width: float, height: float, parts: Iterable[str]) -> str:
    """Return a whole picture that scales to its column; `title` is read out by screen readers."""
    name = escape(title)
    head = f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{name}">'
    return f"{head}<title>{name}</title>{''.join(parts)}</svg>"


def text(style: str, content: str, *, x: float, y: float, anchor: str = "start") -> str:
    """Return a text; + anchor: `start`, `middle` or `end` of it stands at `x`."""
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'


def line(style: str, *, x1: float, y1: float, x2: float, y2: float) -> str:
    """Return a straight line."""
    return f'<line class="{style}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def box(
    style: str, *, x: float, y: float, width: float, height: float, tip: str, opacity: float | None = None
) -> str:
    """Return a filled rectangle with a tool tip; + opacity: 0 to 1; None: the opacity of the style."""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.2f}" height="{height:.1f}"'
    if opacity is not None:
        place += f' fill-opacity="{opacity:.2f}"'
    return f'<rect class="{style}" {place}><title>{escape(tip)}</title></rect>'


def dot(style: str, *, x: float, y: float, tip: str, radius: float = 3.2) -> str:
    """Return a filled circle with a tool tip."""
    place = f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"'
    return f'<g><title>{escape(tip)}</title><circle class="dot {style}" {place}/></g>'


def legend(items: Iterable[tuple[str, str]]) -> str:
    """Return the list of (style, name) under a picture."""
    entries = "".join(f'<li><i class="{style}"></i>{escape(name)}</li>' for style, name in items)
    return f'<ul class="legend">{entries}</ul>'
