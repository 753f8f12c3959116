import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from rated_kit import KIT, items, key
from test_caption_report import EVIL
from test_image_pages import ScriptedPage

from sgid.rating_items import Kit
from sgid.rating_pages import page_hash, page_of, page_order, render_page
from sgid.rating_sheets import HEAD

TEMPLATE = (Path(__file__).parents[2] / "report" / "ratings.html.j2").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def table():
    return items()


def render(table, kit: Kit = KIT, *, annotator: int = 1) -> str:
    return render_page(TEMPLATE, table, kit, annotator=annotator, side=32)


def without_pictures(page: str) -> str:
    return re.sub(r'data-address="[^"]+"', "", page)


def order(table, annotator: int) -> list[str]:
    return [row["image_id"] for row in page_order(table, annotator=annotator, kit=KIT)]


def test_an_annotator_rates_everything_but_the_originals_themselves(table):
    rated = {row["image_id"] for row in table.to_pylist() if row["kind"] != "original"}
    assert set(order(table, 1)) == rated
    assert len(rated) == 6 * 2 + 4


def test_annotators_have_orders_of_their_own(table):
    first, second = order(table, 1), order(table, 2)
    assert first != second
    assert sorted(first) == sorted(second)
    assert first == order(table, 1)


def test_methods_and_checks_do_not_stand_in_blocks(table):
    kinds = [row["kind"] + row["method"] for row in page_order(table, annotator=1, kit=KIT)]
    assert sum(a != b for a, b in pairwise(kinds)) > 5


def test_a_page_is_known_by_its_pictures_and_their_order(table):
    rows = page_order(table, annotator=1, kit=KIT)
    changed = [{**rows[0], "image": {"bytes": b"another"}}, *rows[1:]]
    hashes = {page_hash(rows), page_hash(rows[::-1]), page_hash(changed)}
    assert len(hashes) == 3


def test_the_key_knows_every_item_and_every_page(table):
    found = key(table)
    assert set(found["items"]) == set(order(table, 1))
    assert [page_of(found, number) for number in (1, 2, 3)] == list(found["pages"])
    assert page_of(found, 2) in render(table, annotator=2)
    assert {entry["method"] for entry in found["items"].values()} == {"ra", "sgid", ""}


def test_another_annotator_leaves_the_pages_of_the_others_as_they_are(table):
    assert set(key(table)["pages"]) < set(key(table, annotators=4)["pages"])


def test_nothing_in_a_page_says_what_made_a_picture(table):
    words = {"sgid", "ra", "randaugment", "text2img", "sgid_dc", "method", "foreign", "noise"}
    words |= {row["source_id"] for row in table.to_pylist()}
    plain = without_pictures(render(table))
    assert not [word for word in words if re.search(rf"\b{re.escape(word)}\b", plain, re.IGNORECASE)]


def test_every_item_of_a_page_has_the_same_attributes_and_equally_long_pictures(table):
    page = ScriptedPage(render(table))
    listed = [of for tag, of in page.tags if tag == "li" and "data-original" in of]
    assert {tuple(of) for of in listed} == {("data-name", "data-original", "data-address")}
    assert len({len(of["data-address"]) for of in listed}) == 1
    assert len({of["data-name"] for of in listed}) == len(listed) == 16


def test_a_page_asks_nothing_of_the_network(table):
    text = without_pictures(render(table))
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<link", text)


def test_titles_are_escaped(table):
    text = render(table, replace(KIT, title=EVIL, dataset=EVIL))
    assert EVIL not in text
    assert "&lt;" in text


def test_the_miniature_says_so(table):
    assert "<title>Miniature: rate pictures of Shapes</title>" in render(table)
    assert "Miniature" not in render(table, replace(KIT, miniature=False))


def test_controls_have_names_and_pictures_have_words(table):
    page = ScriptedPage(render(table))
    assert all(of.get("alt") for tag, of in page.tags if tag == "img")
    assert HEAD in render(table)


def luminance(colour: str) -> float:
    """Relative luminance of #rgb or #rrggbb, as WCAG defines it."""
    digits = colour.lstrip("#")
    pairs = [digit * 2 for digit in digits] if len(digits) == 3 else [digits[place : place + 2] for place in (0, 2, 4)]
    parts = [int(pair, 16) / 255 for pair in pairs]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(scheme):
    colours = dict(re.findall(r"--([\w-]+): (#\w+);", re.findall(r":root \{(.*?)\}", TEMPLATE, re.DOTALL)[scheme]))
    pairs = [("ink", "page"), ("pale", "page"), ("ink", "card"), ("pale", "card"), ("mark", "card"), ("ink", "flag")]
    for text, ground in [*pairs, ("ink", "mark-back"), ("on-strong", "strong")]:
        dark, light = sorted([luminance(colours[text]), luminance(colours[ground])])
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
