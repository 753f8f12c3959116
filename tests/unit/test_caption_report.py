import math
import re
from dataclasses import fields
from html.parser import HTMLParser
from pathlib import Path

import pytest
import tiny_models
from caption_rows import NAMES, frames, prompt_row
from PIL import Image

from sgid.caption_report import MOST_CLASSES, Heading, bar_width, beams_of, decimal, render_report, share, short
from sgid.caption_samples import take_samples
from sgid.caption_statistics import caption_statistics
from sgid.guidance import Guidance
from sgid.image_table import encode, image_rows
from sgid.prompt_lengths import PromptTokenizer, are_truncated
from sgid.prompts import PromptRecipe

TEMPLATE = (Path(__file__).parents[2] / "report/captions.html.j2").read_text(encoding="utf-8")
TOKENIZER = PromptTokenizer(tiny_models.clip_tokenizer(), 77)
CAPTIONS = {"beam": [("a cat on a mat", 0.31), ("a cat", 0.2)], "nucleus": [("a cat", 0.2)] * 3}
VOID = {"meta", "img", "line", "rect", "polyline", "circle", "br"}
EVIL = '<script>alert(\'x\')</script>" onload="y" & <b>'


class Page(HTMLParser):
    """A page read strictly: tags that do not nest are refused; `tags`: all of them; `text`: what a reader sees."""

    def __init__(self, html: str):
        super().__init__()
        self.html, self.open, self.tags, self.text = html, [], [], ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.open += [] if tag in VOID else [tag]

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert tag in VOID or self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text += data

    def count(self, tag: str) -> int:
        return sum(each == tag for each, _ in self.tags)


def page(
    captions: dict[str, list] = CAPTIONS,
    *,
    prompt: dict | None = None,
    recipe: PromptRecipe | None = None,
    names: dict[int, str] = NAMES,
    title: str = "Pets",
    miniature: bool = False,
    similarity: str = "cosine",
) -> Page:
    """The page of a data set of one image."""
    captions, images = frames({"x": captions}, [prompt_row("x", **(prompt or {}))])
    images = images.assign(truncated=are_truncated([[(images["prompt"][0], 1.0)]], TOKENIZER))
    table = image_rows(["x"], [encode(Image.new("RGB", (8, 8)))], [0])
    heading = Heading(
        dataset="pets", title=title, recipe="sgid", prompts=recipe or PromptRecipe(),
        similarity_mode=similarity, tokens=77, miniature=miniature, commit="0123456789abcdef",
    )  # fmt: skip
    return Page(
        render_report(
            TEMPLATE,
            heading,
            caption_statistics(captions, images, names=names, beams={"beam": [10]}),
            take_samples(["x"], captions, images, pictures=table, names=names, tokenizer=TOKENIZER),
        )
    )


def test_a_page_has_every_part():
    found = page()
    assert {"numbers", "charts", "images", "frequent", "classes"} <= {of.get("id") for _, of in found.tags}
    assert found.count("article") == 1
    assert sum(tag == "svg" and "aria-label" in of for tag, of in found.tags) == 4
    assert "searched with 10 beams" in found.text


def test_a_page_is_whole_in_itself():
    found = page()
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in found.tags}
    addresses = [of.get(name) for _, of in found.tags for name in ("src", "href", "srcset", "data") if of.get(name)]
    assert all(address.startswith(("data:image/", "#")) for address in addresses)
    assert not re.search(r"https?:|@import|url\(", found.html)


def test_the_drawn_world_is_stamped():
    assert page(miniature=True).text.count("Miniature: ") == 3  # title, stamp, heading
    assert "iniature" not in page().text


def test_whatever_captions_and_names_hold_is_shown_and_never_obeyed():
    found = page(
        {"beam": [(EVIL, 0.3)], "nucleus": [("a cat", 0.1)]},
        prompt={"caption": EVIL, "sampler": "beam", "label_text": EVIL},
        names={0: EVIL, 1: "dog"},
        title=EVIL,
    )
    assert "<script" not in found.html
    assert not any("onload" in of for _, of in found.tags)
    assert found.text.count("<script>alert('x')</script>") >= 6


def test_captions_are_ranked_marked_and_folded():
    text = " ".join(page(prompt={"caption": "a cat"}).text.split())
    assert "a cat on a mat beam0.310 ▸ chosen a cat beam, nucleus ×30.200" in text
    assert "A picture of a tabby catlabel text0.250" in text


def test_weights_are_told_by_more_than_colour():
    found = page()
    assert {"heavy", "light"} <= {of.get("class") for _, of in found.tags}
    assert "A picture of a tabby cat×1.50, a cat×0.90." in found.text


def test_what_the_encoder_does_not_read_is_struck_out():
    found = page(prompt={"caption": "c" * 90})
    assert "truncated: the prompt has more than 77 tokens" in found.text
    assert found.count("s") == 2  # legend, caption


@pytest.mark.parametrize(
    "captions",
    [
        {"beam": [("", 0.1)] * 3, "nucleus": [("", math.nan)] * 3},
        {"beam": [("a cat", math.nan)] * 3, "nucleus": [("a cat", math.nan)]},
        {"beam": [], "nucleus": []},
        {"beam": [("a cat", -0.3)], "nucleus": [("a cat", -0.3)]},
    ],
)
def test_odd_captions_have_a_page(captions):
    assert "a cat" in page(captions).text


def test_an_unknown_cosine_has_words_instead_of_a_bar():
    assert "not a number" in page({"beam": [("a cat", math.nan)]}).text


def test_a_recipe_without_a_prompt_has_a_page():
    found = page(prompt={"weights": "[]", "prompt": ""}, recipe=PromptRecipe(parts="none", weighted=False))
    assert "no prompt" in found.text
    assert "no weights" in found.text


@pytest.mark.parametrize(
    ("rule", "formula"),
    [
        (Guidance(), "g = f(s*), f(s) ="),
        (Guidance("scaled", base=7.5), "g = 7.5 × f(s*), f(s) ="),
        (Guidance("constant", value=3), "g = 3; "),
    ],
)
def test_the_rule_of_guidance_is_written_out(rule, formula):
    assert formula in page(recipe=PromptRecipe(guidance=rule)).text


@pytest.mark.parametrize("mode", ["cosine", "softmax", "clipscore", "blip_itc"])
def test_every_reading_of_similarity_is_explained(mode):
    assert "s* is " in page(similarity=mode).text


def test_a_long_table_of_classes_is_cut_with_a_word():
    many = {f"{number:03}": {"beam": [("a", 0.1)]} for number in range(MOST_CLASSES + 3)}
    names = {number: f"class {number}" for number in range(len(many))}
    captions, images = frames(many, [prompt_row(name) for name in many])
    images["label"] = captions["label"] = range(len(many))
    numbers = caption_statistics(captions, images, names=names, beams={})
    heading = Heading("pets", "Pets", "sgid", PromptRecipe(), "cosine", 77, miniature=False, commit="c")
    assert "3 more classes are in report.json" in Page(render_report(TEMPLATE, heading, numbers, [])).text


def test_no_number_takes_the_name_of_what_the_report_is_about():
    captions, images = frames({"x": CAPTIONS}, [prompt_row("x")])
    numbers = caption_statistics(captions, images, names=NAMES, beams={})
    # Both stand beside each other in report.json.
    assert numbers.keys().isdisjoint(each.name for each in fields(Heading))


def test_beams_are_those_that_captions_record():
    rows = [{"sampler": "beam", "beams": 10}, {"sampler": "beam", "beams": 3}, {"sampler": "nucleus", "beams": 0}]
    assert beams_of(rows) == {"beam": [3, 10], "nucleus": []}


@pytest.mark.parametrize(
    ("count", "of", "text"),
    [(0, 50, "0 (0.0 %)"), (1, 50_000, "1 (< 0.1 %)"), (12_345, 50_000, "12,345 (24.7 %)"), (0, 0, "0")],
)
def test_a_share_is_a_count_with_its_percentage(count, of, text):
    assert share(count, of).replace("\N{NO-BREAK SPACE}", " ") == text


def test_numbers_are_set_as_a_reader_writes_them():
    assert (decimal(-0.12345), decimal(None), decimal(math.nan)) == ("−0.123", "–", "not a number")
    assert (short(10.0), short(9.756), short(None)) == ("10", "9.76", "–")


def test_bars_start_at_0_and_end_at_the_longest():
    assert [bar_width(value, 0.4) for value in (0.4, 0.1, -0.2, math.nan)] == ["100.0", "25.0", "0", "0"]
