"""The site's page of pictures: which originals it shows, what stands beside them, and what it asks for."""

import re
from pathlib import Path

import pytest
from drawn_sets import drawn_row, with_pictures, write_set
from site_files import TEMPLATES

from sgid.image_sets import leave_out
from sgid.image_table import write_table
from sgid.matrix import Matrix
from sgid.rejects import reject_list
from sgid.runtime import write_json
from sgid.site import templates_of
from sgid.site_paths import SitePages
from sgid.site_pictures import choose_shown, render_pictures, shown_pictures

IDS = ("a1", "a2", "b1", "b2")


def labelled(name: str) -> int:
    return "ab".index(name[0])


@pytest.fixture
def gallery(tmp_path) -> dict:
    """SGID at two rates of four originals, text to image of two of them in two replicates, and a redrawing of that."""
    rows = [{"image_id": name, "label": labelled(name)} for name in IDS]
    write_table(with_pictures(rows), tmp_path / "train.parquet")
    (tmp_path / "classes.csv").write_text("label,name,prompt_name\n0,alpha,alpha\n1,beta,beta <b>\n")
    sets = {
        rate: write_set(
            tmp_path / "sgid", [drawn_row(name, labelled(name), noise_rate=rate) for name in IDS], noise=rate
        )
        for rate in ("0.3", "0.7")
    }
    some = [("a2", 0), ("a2", 1), ("b1", 0)]
    text = [drawn_row(name, labelled(name), noise_rate="1.0", replicate=number) for name, number in some]
    again = [drawn_row(row["image_id"], row["label"], noise_rate="0.5", caption="again") for row in text[::2]]
    write_json({"chosen": {"noise_rate": "0.7"}}, tmp_path / "choice.json")
    about = {"page": "", "choice": [], "source": "originals", "rejects": []}
    drawn = [
        about | {"recipe": "again", "title": "Again", "source": "text", "sets": [write_set(tmp_path / "again", again)]},
        about | {"recipe": "sgid", "title": "SGID", "sets": list(sets.values())} | {"page": "../../pages/x/sgid.html"},
        about | {"recipe": "text", "title": "Text", "sets": [write_set(tmp_path / "text", text)]},
    ]
    drawn[1]["choice"] = [str(tmp_path / "choice.json")]
    files = {"originals": str(tmp_path / "train.parquet"), "classes": str(tmp_path / "classes.csv")}
    return {"dataset": "x", "title": "X & Y", "drawn": drawn, "miniature": True, "partial": False} | files


def shown(gallery, originals=2):
    return shown_pictures(gallery, originals=originals, side=32, seed=0)


def told(gallery) -> dict:
    return {
        (one.original.source_id, drawing.recipe): [
            (child.noise_rate, child.replicate) for strip in drawing.family.strips for child in strip.children
        ]
        for one in shown(gallery, 4)
        for drawing in one.drawings
    }


def test_one_original_of_every_class_comes_before_a_second_and_first_those_that_most_recipes_drew(gallery):
    assert choose_shown(gallery["drawn"], 2, seed=0) == ["a2", "b1"]
    assert choose_shown(gallery["drawn"], 9, seed=0) == list(IDS)


def test_beside_an_original_stand_the_first_pictures_of_every_recipe_at_every_rate(gallery):
    found = told(gallery)
    assert found["a2", "sgid"] == [("0.3", 0), ("0.7", 0)]
    assert found["a2", "text"] == [("1.0", 0)]
    assert ("a1", "text") not in found


def test_a_redrawn_picture_stands_beside_the_original_of_the_picture_that_it_redraws(gallery):
    found = told(gallery)
    assert found["a2", "again"] == [("0.5", 0)]
    assert found["b1", "again"] == [("0.5", 0)]


def test_the_page_says_caption_similarity_guidance_rate_and_which_rate_was_chosen(gallery):
    page = render_pictures(templates_of(TEMPLATES), gallery, shown(gallery), commit="abc")
    assert "<title>Miniature: Pictures of X &amp; Y</title>" in page
    assert "“a cat on a mat” <span>s* <b>0.300</b></span> <span>g <b>1.24</b></span>" in page
    assert "noise 0.7 <b>chosen</b>" in page
    assert "noise 0.3 <b>chosen</b>" not in page
    assert 'href="../../pages/x/sgid.html"' in page


def filtered(gallery, folder, rejected: dict[str, str]) -> dict:
    """The gallery with Text as a filtered recipe, whose list rejects these pictures (id to reason)."""
    text = gallery["drawn"][2]
    rejects = folder / "rejects.csv"
    rows = [{"image_id": name, "source_id": name[:2], "reason": why} for name, why in rejected.items()]
    rejects.write_text(reject_list(rows))
    write_json(leave_out(text["sets"][0], [*rejected], recipe="kept"), folder / "kept.json")
    kept = text | {"recipe": "kept", "title": "Kept", "sets": [str(folder / "kept.json")], "rejects": [str(rejects)]}
    return gallery | {"drawn": [*gallery["drawn"], kept]}


def test_the_next_picture_stands_for_one_that_a_filter_left_out(gallery, tmp_path):
    found = told(filtered(gallery, tmp_path, {"a2/sgid/noise-1.0/0": "unchanged"}))
    assert found["a2", "kept"] == [("1.0", 1)]


def test_an_original_of_which_a_filter_leaves_nothing_says_why(gallery, tmp_path):
    rejected = {"a2/sgid/noise-1.0/0": "unchanged", "a2/sgid/noise-1.0/1": "flagged"}
    gallery = filtered(gallery, tmp_path, rejected)
    page = render_pictures(templates_of(TEMPLATES), gallery, shown(gallery, 4), commit="abc")
    assert page.count("left out by the filter") == 1
    assert "left out by the filter: unchanged or flagged" in page
    assert ("a1", "kept") not in told(gallery)


def test_every_picture_has_a_text_and_names_are_escaped(gallery):
    page = render_pictures(templates_of(TEMPLATES), gallery, shown(gallery), commit="abc")
    texts = re.findall(r'<img src="data:image/webp;base64,[^"]+" alt="([^"]+)"', page)
    assert len(texts) == page.count("<img") == 2 * (1 + 2 + 1 + 1)
    assert "SGID of a beta &lt;b&gt; at noise rate 0.3: a cat on a mat" in texts
    assert "<b>beta" not in page
    assert "beta <b>" not in page


def test_a_page_asks_for_the_sets_and_choices_that_it_shows(demo_config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    demo_config["build"] = ["table1"]
    pages = SitePages(Matrix(demo_config))
    assert pages.galleries() == ["results/site/pictures/shapes.html"]
    assert pages.needed_files("shapes") == [
        "results/datasets/shapes/train.parquet", "results/datasets/shapes/classes.csv",
        "results/images/shapes/text2img/noise-1.0.json",
        *(f"results/images/shapes/sgid/noise-{rate}.json" for rate in ("0.3", "0.5", "0.7")),
        "results/selection/shapes/sgid.json",
    ]  # fmt: skip
    assert pages.found_files("shapes") == {}


def test_a_partial_page_shows_the_sets_that_are_there_and_asks_for_none(demo_config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pages = SitePages(Matrix(demo_config), partial=True)
    assert pages.galleries() == []
    path = Path("results/images/shapes/sgid/noise-0.5.json")
    path.parent.mkdir(parents=True)
    path.touch()
    assert pages.galleries() == ["results/partial/site/pictures/shapes.html"]
    assert pages.needed_files("shapes") == []
    assert list(pages.found_files("shapes")) == [str(path)]
    assert [each["sets"] for each in pages.gallery("shapes")["drawn"]] == [[str(path)]]


def test_recipes_of_some_originals_are_shown_only_where_no_other_is_drawn(demo_config):
    pages = SitePages(Matrix(demo_config))
    assert "sgid_five" not in [each["recipe"] for each in pages.gallery("shapes")["drawn"]]
    demo_config["build"] = ["figure3"]
    assert "sgid_five" in [each["recipe"] for each in SitePages(Matrix(demo_config)).gallery("shapes")["drawn"]]


def test_a_recipe_is_called_by_the_method_that_differs_in_nothing_else(demo_config):
    titles = {each["recipe"]: each["title"] for each in SitePages(Matrix(demo_config)).gallery("shapes")["drawn"]}
    assert titles["sgid"] == "SGID"
