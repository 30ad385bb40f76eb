"""The portal's pages as a reader sees them: drawn by fonts that carry their scripts, in their direction."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.tongweb.browser import Browser
from tests.unit.tongweb.portal_channel import Channel

CHINESE, TIBETAN, MONGOLIAN = "Noto Sans CJK SC", "Noto Serif Tibetan", "Noto Sans Mongolian"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def url(channel: Channel, page: str) -> str:
    return f"http://127.0.0.1:{channel.installation.port}/portal/{page}"


@pytest.mark.parametrize(
    ("page", "font", "text"),
    [
        ("index.html", CHINESE, "青海农牧区信贷服务"),
        ("bo.html", TIBETAN, "མཚོ་སྔོན་ཞིང་འབྲོག་དངུལ་བུན་ཞབས་ཞུ།"),
        ("mn.html", MONGOLIAN, "ᠬᠥᠬᠡ ᠨᠠᠭᠤᠷ ᠤᠨ ᠵᠡᠭᠡᠯᠢ ᠶᠢᠨ ᠦᠢᠯᠡᠴᠢᠯᠡᠭᠡ"),
    ],
)
def test_every_letter_is_drawn_by_a_font_that_has_it(
    running: Channel, browser: Browser, tmp_path: Path, page: str, font: str, text: str
) -> None:
    browser.open(url(running, page))
    assert browser.text_of("h1") == text
    drawn = browser.fonts_of("h1, main p, main li, h2, label, button")
    # Blanks and full stops may come from another font; a letter that no font has is drawn by the last one.
    assert drawn.most_common(1)[0][0] == font, drawn
    assert sum(drawn.values()) - drawn[font] <= 0.2 * sum(drawn.values()), drawn
    picture = browser.screenshot()
    (tmp_path / f"{page}.png").write_bytes(picture)
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000, "a page with nothing on it is smaller"


def test_mongolian_runs_from_top_to_bottom(running: Channel, browser: Browser) -> None:
    browser.open(url(running, "mn.html"))
    result = browser.call(
        "Runtime.evaluate",
        expression="(({width, height}) => height / width)"
        "(document.querySelector('h1').getBoundingClientRect())",
    )
    assert result["result"]["value"] > 2


def test_a_limit_can_be_looked_up_in_the_page(running: Channel, browser: Browser) -> None:
    for each in running.services:
        each.status, each.headers = 200, {"Content-Type": "application/json"}
        each.body = b'{"cap_fen":1234500,"used_fen":100}'
    browser.open(url(running, "index.html"))
    browser.call(
        "Runtime.evaluate",
        expression="document.querySelector('[name=limit]').value = '7';"
        "document.querySelector('form').requestSubmit()",
    )
    result = browser.call(
        "Runtime.evaluate",
        expression="new Promise(done => { const look = () => document.querySelector('output').value"
        " ? done(document.querySelector('output').value) : setTimeout(look, 50); look(); })",
        awaitPromise=True,
    )
    assert result["result"]["value"] == "额度 ¥12,345.00 · 已用 ¥1.00"
