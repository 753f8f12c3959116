"""Snakemake's report: what it shows has a caption, and its categories come in the order of its first page."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULES = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "rules").glob("*.smk")))
FIRST_PAGE = (ROOT / "report/workflow.rst").read_text(encoding="utf-8")
CAPTIONS = {path.stem for path in (ROOT / "report").glob("*.rst")} - {"workflow"}


def test_the_first_page_lists_the_categories_in_the_order_that_snakemake_gives_them():
    categories = set(re.findall(r'category="([^"]+)"', RULES))
    assert re.findall(r"^\* \*([^*]+)\*", FIRST_PAGE, flags=re.MULTILINE) == sorted(categories)


def test_every_caption_that_is_named_exists_and_every_one_that_exists_is_named():
    named = set(re.findall(r"report/(\w+)\.rst", RULES)) | set(re.findall(r'reported\("\w+", "(\w+)"\)', RULES))
    assert named == CAPTIONS


def test_whatever_the_report_shows_has_a_category_and_a_caption():
    for words in re.findall(r"\breport\((.*?)\)", RULES, flags=re.DOTALL):
        assert "category=" in words, words
        assert "caption=" in words, words
