"""What seeded customers live in: villages, peoples, names, kinds of household, seasons. Invented.

Names are Tibetan, Mongolian, Hui and Han, in their own scripts too, because the whole path must carry UTF-8.
"""

from dataclasses import dataclass
from functools import cache

from app_stub.seed_draws import draws, quantiles, weighted

VILLAGES = 400
"""Villages of one entity."""
_RATED_PCT = 55
"""Villages whose committee has rated its households."""
_TOWNS = {
    "QH01": ("湟中区鲁沙尔镇", "湟源县日月藏族乡", "大通县朔北藏族乡", "城北区大堡子镇", "湟中区拦隆口镇"),
    "QH02": ("循化县街子镇", "化隆县群科镇", "互助县五十镇", "民和县官亭镇", "平安区三合镇"),
    "QH03": ("玉树市结古镇", "囊谦县香达镇", "称多县歇武镇", "杂多县萨呼腾镇", "ཁྲི་འདུ་རྫོང་།"),
    "QH04": ("都兰县香日德镇", "德令哈市柯鲁柯镇", "乌兰县希里沟镇", "格尔木市郭勒木德镇", "ᠳᠡᠯᠡᠬᠡᠢ"),
}
_TOWNS_ELSEWHERE = ("河北镇", "上庄镇", "下庄镇", "东滩镇", "西滩镇")
_WHERE = ("上", "下", "东", "西", "南", "北", "前", "后", "大", "小")
_WHAT = ("庄", "滩", "沟", "台", "川", "岭", "坪", "塘")

FIRST_NAMES_ARE_SURNAMES = frozenset({"hui", "han"})
"""Peoples whose households share the first part of their names."""
NAMES = {
    "tibetan": (
        ("扎西", "才让", "卓玛", "多杰", "བཀྲ་ཤིས་", "拉毛", "索南"),
        ("尼玛", "央金", "达杰", "措", "སྒྲོལ་མ", "加"),
    ),
    "mongolian": (("巴特尔", "其其格", "ᠪᠠᠭᠠᠲᠤᠷ", "苏和", "娜仁"), ("", "花", "巴雅尔", "高娃")),
    "hui": (("马", "韩", "冶", "沙", "丁"), ("文军", "海燕", "国良", "秀英", "占福", "阿娅")),
    "han": (("王", "李", "张", "祁", "星"), ("生莲", "占魁", "玉兰", "得福", "永寿", "春花")),
}
# Percent of villages, in the order of NAMES.
_PEOPLES = {"QH01": (15, 3, 22, 60), "QH02": (25, 2, 48, 25), "QH03": (94, 1, 2, 3), "QH04": (30, 35, 5, 30)}
_PEOPLES_ELSEWHERE = (25, 25, 25, 25)


@dataclass(frozen=True, kw_only=True, slots=True)
class Household:
    """A kind of household: what it owns, earns and borrows, and when."""

    kind: str
    product_code: str
    """What the bank made for such households; who does not qualify has the everyday product."""
    herd: tuple[int, ...]
    land_mu: tuple[int, ...]
    income_yuan: tuple[int, ...]
    """Of the head of the household, a year. All three are tables."""
    draws_in: tuple[int, ...]
    """Months in which money is drawn, as a table."""
    sells_in: int
    """Month from which it has money to repay with."""


def _seasons(shares: str) -> tuple[int, ...]:
    """Return a table of months from January's to October's shares: December's loans would not be repaid."""
    return weighted((month, int(share)) for month, share in enumerate(shares.split(), start=1))


HOUSEHOLDS = (
    # Fodder and lambs in spring; animals are sold before winter.
    Household(
        kind="herder", product_code="SANSHENG",
        herd=quantiles(((0, 15), (20, 40), (60, 120), (90, 260), (99, 500), (100, 900))),
        land_mu=quantiles(((0, 0), (100, 6))),
        income_yuan=quantiles(((0, 24_000), (10, 40_000), (40, 62_000), (90, 150_000), (100, 420_000))),
        draws_in=_seasons("2 4 12 26 22 10 6 6 6 6"), sells_in=9,
    ),
    # Seed and fertiliser before sowing, harvest in autumn.
    Household(
        kind="farmer", product_code="HUINONG",
        herd=quantiles(((0, 0), (40, 4), (90, 20), (100, 60))),
        land_mu=quantiles(((0, 3), (30, 8), (80, 25), (99, 80), (100, 300))),
        income_yuan=quantiles(((0, 21_000), (20, 32_000), (60, 48_000), (90, 80_000), (100, 240_000))),
        draws_in=_seasons("4 14 32 24 6 4 4 4 4 4"), sells_in=9,
    ),
    # Grazing rights and supplies before caterpillar fungus is dug in May and June; it is sold at once.
    Household(
        kind="fungus", product_code="CHONGCAO",
        herd=quantiles(((0, 5), (50, 30), (95, 120), (100, 200))),
        land_mu=quantiles(((0, 0), (100, 5))),
        income_yuan=quantiles(((0, 26_000), (30, 45_000), (60, 72_000), (90, 150_000), (100, 380_000))),
        draws_in=_seasons("2 4 14 44 24 2 2 2 3 3"), sells_in=7,
    ),
    # Shops far away open anew after New Year.
    Household(
        kind="noodle-shop", product_code="LAMIAN",
        herd=quantiles(((0, 0), (100, 1))),
        land_mu=quantiles(((0, 0), (100, 9))),
        income_yuan=quantiles(((0, 38_000), (20, 70_000), (60, 130_000), (90, 260_000), (100, 600_000))),
        draws_in=_seasons("4 22 28 10 6 6 6 6 6 6"), sells_in=8,
    ),
    # Stock for the tourists' summer, and before the winter.
    Household(
        kind="shop", product_code="HUINONG",
        herd=quantiles(((0, 0), (100, 1))),
        land_mu=quantiles(((0, 0), (100, 4))),
        income_yuan=quantiles(((0, 30_000), (30, 55_000), (70, 100_000), (95, 220_000), (100, 500_000))),
        draws_in=_seasons("6 6 8 12 18 10 6 6 12 16"), sells_in=7,
    ),
)  # fmt: skip
# Percent of households, in the order of HOUSEHOLDS.
_KINDS = {
    "QH01": (14, 42, 4, 14, 26),
    "QH02": (12, 40, 6, 34, 8),
    "QH03": (52, 8, 32, 1, 7),
    "QH04": (46, 22, 8, 6, 18),
}
_KINDS_ELSEWHERE = (40, 30, 12, 10, 8)


@dataclass(frozen=True, kw_only=True, slots=True)
class Village:
    """A village; most of its households are of one people."""

    name: str
    is_rated: int
    people: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """Where the customers of one entity live, as tables."""

    villages: tuple[Village, ...]
    """The r-th largest has a share as 1 / (r + 10): Zipf's law, as Mandelbrot bent it for the largest."""
    peoples: tuple[str, ...]
    kinds: tuple[Household, ...]


@cache
def region(entity_code: str) -> Region:
    """Return the region of an entity: the same for every seed, as villages are."""
    towns = _TOWNS.get(entity_code, _TOWNS_ELSEWHERE)
    peoples = weighted(zip(NAMES, _PEOPLES.get(entity_code, _PEOPLES_ELSEWHERE), strict=True))
    chance = draws(f"villages of {entity_code}", VILLAGES, 2)
    villages = []
    for number, (rated, people) in enumerate(chance):
        place, town = divmod(number, len(towns))
        what, where = divmod(place, len(_WHERE))
        villages.append(
            Village(
                name=f"{towns[town]}{_WHERE[where]}{_WHAT[what]}村",
                is_rated=int(rated * 100 >> 16 < _RATED_PCT),
                people=peoples[people >> 4],
            )
        )
    return Region(
        villages=weighted(
            (village, 1_000_000 // (rank + 10)) for rank, village in enumerate(villages, start=1)
        ),
        peoples=peoples,
        kinds=weighted(zip(HOUSEHOLDS, _KINDS.get(entity_code, _KINDS_ELSEWHERE), strict=True)),
    )
