import re
import zipfile
from html import unescape

import pytest
from site_files import FACTS, PROVENANCE, REPORT, TEMPLATES, frames_of, write_site
from test_caption_report import EVIL, Page

from sgid.matrix import Matrix
from sgid.presentation import Presentation
from sgid.runtime import write_json
from sgid.site import duration, memory, plain, read_choices, render_table_page, templates_of
from sgid.site_paths import SitePages
from sgid.site_runs import origins, runs_by_row
from sgid.site_tables import read_cells, shown_tests, site_table


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def frames(config, here):
    return frames_of(config, folder=here)


def table_of(config, frames):
    return site_table(frames["cells"], frames["runs"], SitePages(Matrix(config)).table("table3"))


def numbers_of(config, frames) -> dict:
    table = table_of(config, frames)
    return {
        (row.title, column): number
        for row in table.rows
        for column, number in zip(table.columns, row.numbers, strict=True)
    }


def behind(config, frames):
    titles = Presentation(Matrix(config)).titles("table3")
    return runs_by_row(frames["cells"], frames["runs"], table_of(config, frames), titles=titles)


def test_each_number_has_its_state_and_its_count_of_runs(config, frames):
    numbers = numbers_of(config, frames)
    states = {column: numbers["+ Label Only", column].state for column in ("C-100", "Cars", "Pets", "DTD", "Avg.")}
    assert states == {
        "C-100": "measured", "Cars": "not run", "Pets": "measured", "DTD": "partial", "Avg.": "not run"
    }  # fmt: skip
    assert numbers["+ Label Only", "DTD"].count == "2/5"
    assert numbers["+ Complete Prompt", "C-100"].state == "not run"


def test_the_table_counts_states_of_its_own_cells_and_runs_done(config, frames):
    table = table_of(config, frames)
    assert table.states == {"measured": 7, "partial": 4, "not run": 5}
    assert (table.done, table.planned) == (3 * 5 + 4 * 5 + 4 * 2, 80)
    assert sum(missing for _, _, missing, _ in table.missing) == table.planned - table.done


def test_ours_stands_beside_the_papers_number(config, frames):
    number = numbers_of(config, frames)["w/o Prompt", "Pets"]
    cell = frames["cells"].query("row == 'sgid_no_prompt' and dataset == 'pets'").iloc[0]
    assert (number.text, number.paper) == (f"{cell['mean']:.2f}", "55.76")
    assert number.difference == f"+{cell['difference']:.2f}"


def test_cells_read_back_are_the_cells_written(config, frames, here):
    frames["cells"].to_csv("cells.csv", index=False)
    again = table_of(config, frames | {"cells": read_cells("cells.csv")})
    assert again == table_of(config, frames)


def test_each_number_leads_to_its_runs_with_their_records(config, frames):
    cells = {cell.name: cell for row in behind(config, frames).values() for cell in row}
    number = numbers_of(config, frames)["+ Complete Prompt", "Pets"]
    cell = cells[number.name]
    assert (cell.title, cell.method) == ("Pets", "sgid_beam_unweighted")
    assert [run["path"] for run in cell.runs][:1] == ["results/runs/pets/resnet50/sgid_beam_unweighted/seed-0.json"]
    assert cell.runs[0]["facts"]["train_images"] == FACTS["train_images"]


def test_a_record_that_is_gone_is_said_to_be_gone(config, frames, here):
    path = here / "results/runs/pets/resnet50/sgid_label/seed-0.json"
    path.unlink()
    gone = [
        run for row in behind(config, frames).values() for cell in row for run in cell.runs if run["path"] in str(path)
    ]
    assert [run["facts"] for run in gone] == [None]


def test_runs_of_one_origin_are_counted_together(config, frames, here):
    path = "results/runs/pets/resnet50/sgid_label/seed-0.json"
    other = PROVENANCE | {"dirty": True}
    write_json(FACTS | {"provenance": other}, path)
    found = origins(behind(config, frames))
    assert [count for _, count in found] == [42, 1]
    assert found[1][0]["commit"] == f"{PROVENANCE['commit']} with uncommitted changes"


def test_tests_show_titles_and_leave_empty_columns_out(config, frames):
    heads, rows = shown_tests(frames["tests"], Presentation(Matrix(config)).titles("table3"))
    assert heads[:2] == ["star", "backbone"]
    assert "variant" not in heads
    assert {row[heads.index("tested")].text for row in rows} == {"Complete Prompt"}


def test_a_star_is_explained_where_there_is_one(config, frames):
    made, layout = templates_of(TEMPLATES), SitePages(Matrix(config)).table("table3")
    for star in (False, True):
        shown = frames | {"cells": frames["cells"].assign(star=star)}
        page = render_table_page(made, shown, layout, commit="abc")
        assert ("better than the best baseline of its column (p" in page) is star


def test_counts_of_pictures_are_shown_whole(config, frames):
    tests = frames["tests"][["table", "row"]].assign(pictures=10_000, ours_only=1_234, p_exact=0.00012345)
    _, rows = shown_tests(tests, Presentation(Matrix(config)).titles("table3"))
    assert [each.text for each in rows[0][1:]] == ["10,000", "1,234", "0.000123"]


def test_a_column_of_tests_that_is_not_known_keeps_its_name(config, frames):
    heads, _ = shown_tests(frames["tests"].assign(brand_new=1.5), Presentation(Matrix(config)).titles("table3"))
    assert heads[-1] == "brand new"


def test_tests_on_predictions_stand_below_those_over_seeds_where_they_are_there(config, frames):
    made, layout = templates_of(TEMPLATES), SitePages(Matrix(config)).table("table3")
    plain_page = render_table_page(made, frames, layout, commit="abc")
    predictions = frames["tests"][["table", "backbone", "dataset", "row"]].assign(p_exact=0.25)
    page = render_table_page(made, frames | {"predictions": predictions}, layout, commit="abc")
    assert "On the same test pictures" not in plain_page
    assert "<h3>On the same test pictures</h3>" in page
    assert "p exact" in page


def test_the_whole_folder_can_be_zipped_for_its_links_stay_inside(config, here):
    index = write_site(here, config)
    folder = index.parent
    with zipfile.ZipFile(here / "site.zip", "w") as archive:
        for path in folder.rglob("*.*"):
            archive.write(path, path.relative_to(folder))
    for page in folder.rglob("*.html"):
        for address in re.findall(r'(?:href|src)="(?!data:)([^"#]+)', page.read_text(encoding="utf-8")):
            assert (page.parent / unescape(address)).resolve().is_relative_to(folder.resolve()), address
            assert (page.parent / unescape(address)).exists(), address


def test_every_anchor_that_a_page_links_to_is_there(config, here):
    index = write_site(here, config)
    for page in index.parent.rglob("*.html"):
        for address, name in re.findall(r'href="([^"#]*)#([^"]+)"', page.read_text(encoding="utf-8")):
            target = page if not address else page.parent / address
            assert f'id="{name}"' in target.read_text(encoding="utf-8"), (page, address, name)


def test_pages_ask_nothing_of_the_network(config, here):
    for page in write_site(here, config).parent.rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        assert not re.search(r"https?:|@import|url\(|fetch\(|XMLHttpRequest|<link|<iframe", html)
        assert "default-src 'none'" in html


def test_whatever_titles_and_commits_hold_is_shown_and_never_obeyed(config, here):
    scripts = [page.read_text().count("<script") for page in write_site(here / "plain", config).parent.rglob("*.html")]
    config["methods"]["sgid_label"]["title"] = config["figures"]["consistency"]["title"] = EVIL
    config["tables"]["table3"]["title"] = config["datasets"]["pets"]["title"] = EVIL
    for count, page in zip(scripts, write_site(here / "evil", config).parent.rglob("*.html"), strict=True):
        html = page.read_text(encoding="utf-8")
        assert html.count("<script") == count == 1
        assert EVIL not in html


def test_the_drawn_world_is_stamped_in_title_and_header(demo_config, here):
    pages = SitePages(Matrix(demo_config))
    assert pages.table("table1")["miniature"]
    demo_config["tables"]["table3"]["paper"] = "table3"
    html = write_site(here, demo_config, choices=(), costs=()).read_text(encoding="utf-8")
    assert "<title>Miniature: Results of SGID</title>" in html
    assert '<p class="stamp">Miniature: ' in html
    assert "<h1>Miniature: " in html


def test_nothing_else_is_stamped(config, here):
    for page in write_site(here, config).parent.rglob("*.html"):
        assert "Miniature" not in page.read_text(encoding="utf-8")


def test_costs_are_summed_and_gaps_are_told(config, here):
    text = " ".join(Page(write_site(here, config).read_text(encoding="utf-8")).text.split())
    assert "2 outputs of drawing and training have no benchmark" in text
    assert "2:03:32" in text
    assert "20.0 GiB" in text


def test_choices_of_a_noise_rate_and_of_a_recipe_read_alike(here):
    rates = [{"noise_rate": rate, "mean": 1.0, "seeds": [0], "accuracies": [1.0]} for rate in ("0.3", "0.5")]
    write_json(
        {"dataset": "pets", "recipe": "sgid", "chosen": {"noise_rate": "0.5"}, "rule": "r", "candidates": rates},
        "a.json",
    )
    both = [{**each, "recipe": "sgid_beam"} for each in rates]
    chosen = {"recipe": "sgid_beam", "noise_rate": "0.3"}
    write_json({"dataset": "pets", "method": "best", "chosen": chosen, "rule": "r", "candidates": both}, "b.json")
    rate, recipe = read_choices(["a.json", "b.json"])
    assert (rate["subject"], rate["chosen"]) == ("sgid", "noise rate 0.5")
    assert [each["chosen"] for each in rate["candidates"]] == [False, True]
    assert recipe["subject"] == "best"
    assert recipe["candidates"][0] == both[0] | {"words": "noise rate 0.3, sgid_beam", "chosen": True}


def test_a_caption_loses_its_marks_and_keeps_its_words():
    assert plain("*Bold* and ``p`` of d\\ :sub:`z`,\none s* and x.\n\nTwo.") == [
        "Bold and p of dz, one s* and x.",
        "Two.",
    ]


@pytest.mark.parametrize("path", sorted(REPORT.glob("*.rst")), ids=lambda path: path.stem)
def test_no_caption_shows_marks_of_its_source(path):
    assert not re.search(r"``|:sub:|\\", " ".join(plain(path.read_text(encoding="utf-8"))))


def test_quantities_are_set_as_a_reader_writes_them():
    assert (duration(59.6), duration(3_723)) == ("0:01:00", "1:02:03")
    assert (memory(900.4), memory(20_480)) == ("900 MiB", "20.0 GiB")


def luminance(color: str) -> float:
    """Relative luminance of #rgb or #rrggbb (WCAG 2.2)."""
    digits = color.removeprefix("#")
    digits = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: str, second: str) -> float:
    low, high = sorted(map(luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_texts_stand_out_from_what_is_behind_them(scheme):
    style = (REPORT / "site_base.html.j2").read_text(encoding="utf-8")
    color = dict(re.findall(r"--([\w-]+): (#\w+)", re.findall(r":root \{(.*?)\}", style, re.DOTALL)[scheme]))
    behind = {"page": ("ink", "pale", "link", "gap"), "flag": ("ink",), "mark": ("ink", "pale", "gap")}
    pairs = [(name, back) for back, names in behind.items() for name in names]
    assert [pair for pair in pairs if contrast(color[pair[0]], color[pair[1]]) < 4.5] == []
    assert contrast(color["focus"], color["page"]) >= 3
