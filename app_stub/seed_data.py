"""Invented customers and products, believable and always the same: a pure function of entity and number.

Customers are herders, farmers, fungus gatherers and shopkeepers of Qinghai; names are Tibetan, Mongolian, Hui
and Han, in their own scripts too, because the whole path must carry UTF-8.
"""

from dataclasses import dataclass
from random import Random

ENTITY_ID_STEP = 1_000_000_000
"""customer_id = entity number * this + n, n from 1."""
_FEN_PER_YUAN = 100

_VILLAGES = {
    "QH01": ("湟中区鲁沙尔镇", "湟源县日月藏族乡", "大通县朔北藏族乡", "城北区大堡子镇", "湟中区拦隆口镇"),
    "QH02": ("循化县街子镇", "化隆县群科镇", "互助县五十镇", "民和县官亭镇", "平安区三合镇"),
    "QH03": ("玉树市结古镇", "囊谦县香达镇", "称多县歇武镇", "杂多县萨呼腾镇", "ཁྲི་འདུ་རྫོང་།"),
    "QH04": ("都兰县香日德镇", "德令哈市柯鲁柯镇", "乌兰县希里沟镇", "格尔木市郭勒木德镇", "ᠳᠡᠯᠡᠬᠡᠢ"),
}
_VILLAGES_ELSEWHERE = ("河北村", "上庄村", "下庄村", "东滩村", "西滩村")
_NAMES = {
    "tibetan": (
        ("扎西", "才让", "卓玛", "多杰", "བཀྲ་ཤིས་", "拉毛", "索南"),
        ("尼玛", "央金", "达杰", "措", "སྒྲོལ་མ", "加"),
    ),
    "mongolian": (("巴特尔", "其其格", "ᠪᠠᠭᠠᠲᠤᠷ", "苏和", "娜仁"), ("", "花", "巴雅尔", "高娃")),
    "hui": (("马", "韩", "冶", "沙", "丁"), ("文军", "海燕", "国良", "秀英", "占福", "阿娅")),
    "han": (("王", "李", "张", "祁", "星"), ("生莲", "占魁", "玉兰", "得福", "永寿", "春花")),
}
_HOUSEHOLDS = (
    # type, weight, herd, land in mu, yearly income in yuan
    ("herder", 40, (40, 400), (0, 5), (40_000, 160_000)),
    ("farmer", 30, (2, 30), (6, 60), (25_000, 90_000)),
    ("fungus", 12, (10, 120), (0, 4), (30_000, 180_000)),
    ("noodle-shop", 10, (0, 0), (0, 8), (60_000, 300_000)),
    ("shop", 8, (0, 0), (0, 3), (45_000, 220_000)),
)
_FIRST_BIRTH_YEAR, _LAST_BIRTH_YEAR = 1962, 2004

EVERYDAY_PRODUCT = "HUINONG"
"""Lent by every entity with thresholds that every seeded customer meets for 1,000 to 20,000 yuan."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedProduct:
    """A row of `product` before an entity's own shift of thresholds."""

    code: str
    name: str
    min_yuan: int
    max_yuan: int
    min_income_yuan: int
    min_herd_size: int
    min_score: int
    income_multiple_pct: int


_PRODUCTS = (
    SeedProduct(
        code=EVERYDAY_PRODUCT, name="惠农贷", min_yuan=1_000, max_yuan=200_000, min_income_yuan=20_000,
        min_herd_size=0, min_score=400, income_multiple_pct=150,
    ),
    SeedProduct(
        code="SANSHENG", name="三牲贷", min_yuan=5_000, max_yuan=300_000, min_income_yuan=30_000,
        min_herd_size=30, min_score=520, income_multiple_pct=200,
    ),
    SeedProduct(
        code="CHONGCAO", name="虫草贷", min_yuan=5_000, max_yuan=150_000, min_income_yuan=40_000,
        min_herd_size=0, min_score=540, income_multiple_pct=120,
    ),
    SeedProduct(
        code="LAMIAN", name="拉面贷", min_yuan=10_000, max_yuan=500_000, min_income_yuan=60_000,
        min_herd_size=0, min_score=560, income_multiple_pct=180,
    ),
)  # fmt: skip


def entity_number(entity_code: str) -> int:
    """Return the number in an entity's code: 1 for QH01.

    Raises:
        ValueError: the code does not end in a number from 1 to 999.
    """
    digits = entity_code.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    if not digits.isascii() or not digits.isdigit() or not 1 <= int(digits) <= 999:
        raise ValueError(f"entity {entity_code!r}; allowed: letters and a number from 1 to 999, such as QH01")
    return int(digits)


def customer_id(entity_code: str, n: int) -> int:
    """Return the id of an entity's n-th customer, n from 1."""
    return entity_number(entity_code) * ENTITY_ID_STEP + n


def products(entity_code: str) -> list[tuple[object, ...]]:
    """Return the rows of `product` of one entity; each entity shifts the template's thresholds."""
    number = entity_number(entity_code)
    shift_pct = 100 + (number - 1) * 5
    rows: list[tuple[object, ...]] = []
    for product in _PRODUCTS:
        everyday = product.code == EVERYDAY_PRODUCT
        rows.append(
            (
                entity_code,
                product.code,
                product.name,
                product.min_yuan * _FEN_PER_YUAN,
                product.max_yuan * _FEN_PER_YUAN,
                18,
                70 if everyday else 65,
                product.min_income_yuan * _FEN_PER_YUAN * (100 if everyday else shift_pct) // 100,
                product.min_herd_size,
                product.min_score + (0 if everyday else 5 * (number - 1)),
                product.income_multiple_pct,
                1,
            )
        )
    return rows


def customer(entity_code: str, n: int) -> tuple[object, ...]:
    """Return the row of `customer` of an entity's n-th customer; always the same."""
    identity = customer_id(entity_code, n)
    random = Random(identity)  # noqa: S311  (invented people, not secrets)
    kind, _, herd, land, income = random.choices(_HOUSEHOLDS, weights=[row[1] for row in _HOUSEHOLDS])[0]
    first, last = _NAMES[random.choice(tuple(_NAMES))]
    villages = _VILLAGES.get(entity_code, _VILLAGES_ELSEWHERE)
    return (
        identity,
        entity_code,
        random.choice(first) + random.choice(last),
        f"{random.choice(villages)}{random.randint(1, 40)}社",
        kind,
        random.randint(_FIRST_BIRTH_YEAR, _LAST_BIRTH_YEAR),
        random.randint(*income) * _FEN_PER_YUAN,
        random.randint(*herd),
        random.randint(*land),
        int(random.random() < 0.55),
        random.randint(0, 20),
        random.choices((0, 1, 2), weights=(90, 8, 2))[0],
    )


def limit(row: tuple[object, ...]) -> tuple[object, ...]:
    """Return the row of `credit_limit` of a seeded customer: active, nothing used, cap by income.

    Args:
        row: as `customer` returns it.
    """
    identity, entity_code, income_fen = row[0], row[1], row[6]
    if not isinstance(income_fen, int):
        raise TypeError(f"customer {identity}: income {income_fen!r} is no whole number")
    # Never below 30,000 yuan, in whole hundreds of yuan.
    cap_fen = max(3_000_000, income_fen * 3 // 2 // 10_000 * 10_000)
    return (identity, entity_code, identity, EVERYDAY_PRODUCT, cap_fen)
