import json
import re
from pathlib import Path

import pytest
from drawn_sets import drawn_row, with_pictures, write_set
from test_caption_report import EVIL, Page

from sgid.image_pages import Heading, fingerprint, page_numbers, render_index, render_page
from sgid.image_samples import Extent, facts_of, families
from sgid.rejects import HEAD

REPORT = Path(__file__).parents[2] / "report"
TEMPLATE = (REPORT / "images.html.j2").read_text(encoding="utf-8")
INDEX = (REPORT / "pages.html.j2").read_text(encoding="utf-8")
EXTENT = Extent(per_class=2, originals=100, flagged=1, thumbnail=16)
HOW = {"generator": "img2img", "source": "originals", "parts": "label and caption", "captions": "nucleus"}
TWO = [drawn_row("a"), drawn_row("b", 1, flag="black", attempts=3)]


class ScriptedPage(Page):
    """The same, with fields to fill in, and a script whose text is nothing that a reader sees."""

    def handle_starttag(self, tag, attributes):
        if tag == "input":
            self.tags.append((tag, dict(attributes)))
        else:
            super().handle_starttag(tag, attributes)

    def handle_data(self, data):
        if self.open[-1:] != ["script"]:
            super().handle_data(data)


def render(folder, drawn=TWO, *, names=None, title="Pets", how=HOW, indexed=True, **about) -> str:
    path = write_set(folder, drawn, **about)
    originals = with_pictures([{"image_id": row["source_id"], "label": row["label"]} for row in drawn]).to_pylist()
    ids = [row["source_id"] for row in drawn]
    names = names or {0: "tabby_cat", 1: "dog"}
    shown = families(ids, originals, with_pictures(drawn).to_pylist(), names=names, side=16)
    numbers = page_numbers([path], facts_of([path]), shown)
    return render_page(TEMPLATE, Heading("pets", "sgid", title, how, indexed, "abc"), numbers, shown, extent=EXTENT)


def pictures_of(found: Page) -> list[dict]:
    return [of for tag, of in found.tags if tag == "figure" and of.get("class") == "child"]


def test_numbers_count_the_sets_and_what_is_shown(tmp_path):
    paths = [
        write_set(tmp_path, TWO),
        write_set(tmp_path, [drawn_row("a", noise_rate="0.5", prompt_flag="no caption")], noise="0.5"),
    ]
    numbers = page_numbers(paths, facts_of(paths), [])
    assert numbers["noise_rates"] == {"0.3": 2, "0.5": 1}
    assert (numbers["images"], numbers["originals"]) == (3, 2)
    assert (numbers["flags"], numbers["prompt_flags"]) == ({"black": 1}, {"no caption": 1})
    assert numbers["shown"] == {"originals": 0, "images": 0}


def test_other_pictures_have_another_fingerprint():
    heads = [[{"shards": [{"sha256": each}]}] for each in ("1", "2")]
    assert fingerprint(heads[0]) == fingerprint(heads[0]) != fingerprint(heads[1])


def test_a_page_shows_originals_beside_their_pictures_with_all_that_drew_them(tmp_path):
    found = ScriptedPage(render(tmp_path))
    text = " ".join(found.text.split())
    assert (found.count("article"), len(pictures_of(found))) == (2, 2)
    for words in (
        "tabby cat",
        "s* 0.300",
        "g 1.240",
        "A picture of a cat×1.50",
        "seed5120457244917683229",
        "3 attempts",
    ):
        assert words in text, words
    assert HEAD in text


def test_what_filters_look_at_stands_in_attributes(tmp_path):
    found = ScriptedPage(render(tmp_path))
    first, second = pictures_of(found)
    assert first == {
        "class": "child", "data-id": "a/sgid/noise-0.3/0", "data-source": "a", "data-noise": "0.3", "data-flags": ""
    }  # fmt: skip
    assert second["data-flags"] == "black|drawn again"
    articles = [of for tag, of in found.tags if tag == "article"]
    assert [of["data-label"] for of in articles] == ["0", "1"]
    assert "tabby cat" in articles[0]["data-text"]
    options = [of.get("value") for tag, of in found.tags if tag == "option"]
    assert {"flag black", "flag drawn again", "0", "1"} <= set(options)


@pytest.mark.parametrize("evil", [EVIL, "</script><script>alert(1)</script>", "{{ 7 * 7 }} \u2028 ' \" <!--"])
def test_whatever_captions_names_and_ids_hold_is_shown_and_never_obeyed(tmp_path, evil):
    plain = ScriptedPage(render(tmp_path / "plain", [drawn_row("a")]))
    row = drawn_row("a", caption=evil, image_id=evil, sampler=evil, prompt_flag=evil, weights=json.dumps([[evil, 1.0]]))
    html = render(tmp_path / "evil", [row], names={0: evil}, title=evil, how=dict.fromkeys(HOW, evil))
    found = ScriptedPage(html)
    assert found.count("script") == plain.count("script") == 1
    assert not any(name.startswith("on") for _, of in found.tags for name in of)
    assert "49" not in re.sub(r"\d{3,}|data:[^\"]*", "", found.text)
    script = re.compile(r"<script>.*?</script>", re.DOTALL)
    assert script.findall(html) == script.findall(render(tmp_path / "again", [drawn_row("a")]))
    assert pictures_of(found)[0]["data-id"] == evil


def test_a_page_is_whole_in_itself(tmp_path):
    html = render(tmp_path)
    found = ScriptedPage(html)
    assert not {"link", "iframe", "object", "base"} & {tag for tag, _ in found.tags}
    assert all(of["src"].startswith("data:image/") for tag, of in found.tags if tag == "img")
    assert not re.search(r"https?:|@import|url\(|fetch\(|XMLHttpRequest", html)
    assert "default-src 'none'" in html


def test_what_a_browser_keeps_is_of_these_very_pictures(tmp_path):
    keys = [
        re.search('data-key="([^"]+)"', render(tmp_path / name, drawn)).group(1)
        for name, drawn in {"a": TWO, "b": TWO, "c": TWO[:1]}.items()
    ]
    assert keys[0] == keys[1] != keys[2]


def test_a_picture_without_prompt_or_caption_has_its_place(tmp_path):
    text = ScriptedPage(render(tmp_path, [drawn_row("a", caption="", weights="[]", similarity=float("nan"))])).text
    assert "no prompt" in text
    assert "no caption" in text
    assert "s* –" in text


def links(html: str) -> set[str]:
    return {of["href"] for tag, of in ScriptedPage(html).tags if tag == "a"} - {"#"}


def test_classes_of_one_name_can_be_told_apart_where_one_is_chosen(tmp_path):
    html = render(tmp_path, names={0: "crane", 1: "crane"})
    assert '<option value="0">crane (0)</option><option value="1">crane (1)</option>' in html


def test_only_a_page_that_the_index_names_links_it(tmp_path):
    assert links(render(tmp_path / "a")) == {"../index.html"}
    assert links(render(tmp_path / "b", indexed=False)) == set()


def test_what_the_tiny_models_drew_from_a_folder_of_ones_own_is_stamped(tmp_path):
    html = render(tmp_path / "a", model={"miniature": True})
    assert '<p class="stamp">Miniature: tiny models; ' in html
    assert "<title>Miniature: pictures of Pets, sgid</title>" in html
    assert "Miniature" not in render(tmp_path / "b")


def numbers(dataset: str, recipe: str, **changes) -> dict:
    return {
        "dataset": dataset, "recipe": recipe, "miniature": False, "drawn_originals": False, "noise_rates": {"0.3": 2},
        "images": 50_000, "originals": 2, "flags": {"black": 3}, "prompt_flags": {"no caption": 4},
        "shown": {"images": 2},
    } | changes  # fmt: skip


def test_the_index_links_every_page_with_its_counts():
    found = Page(
        render_index(INDEX, [numbers("pets", "sgid"), numbers("dtd", "sgid_dc")], {"pets": EVIL, "dtd": "DTD"})
    )
    assert [of["href"] for tag, of in found.tags if tag == "a"] == ["dtd/sgid_dc.html", "pets/sgid.html"]
    assert "50,000" in found.text
    assert "7" in found.text
    assert found.count("script") == 0


def test_the_drawn_world_is_stamped():
    pages = [numbers("shapes", "sgid", miniature=True, drawn_originals=True)]
    assert Page(render_index(INDEX, pages, {"shapes": "Shapes"})).text.count("Miniature: ") == 3
    assert "Miniature: drawn data set, tiny models; " in render_index(INDEX, pages, {"shapes": "Shapes"})
    assert "iniature" not in Page(render_index(INDEX, [], {})).text


def test_the_index_calls_no_folder_of_ones_own_drawn_because_tiny_models_drew_from_it():
    html = render_index(INDEX, [numbers("mine", "sgid", miniature=True)], {"mine": "Mine"})
    assert '<p class="stamp">Miniature: tiny models; ' in html
