"""The miniature's site: made by the rules, from what the demo measured."""

import re


def test_the_site_shows_every_number_with_its_runs(demo):
    call = demo.run("site")
    assert call.code == 0, call.text[-3000:]
    folder = demo.folder / "results/site"
    index, table = (folder / "index.html").read_text(), (folder / "tables/table1.html").read_text()
    assert "<title>Miniature: Results of SGID</title>" in index
    assert "Every planned run of these tables is done." in index
    assert "Every output of drawing and training that is there has its benchmark." in index
    assert set(re.findall(r'href="tables/table1\.html#([\w-]+)"', index)) <= set(re.findall(r'id="([\w-]+)"', table))
    records = set(re.findall(r"results/runs/\S+?\.json", table))
    assert len(records) == 63
    assert all((demo.folder / path).exists() for path in records)
    assert "is gone" not in table


def test_a_site_that_is_made_has_nothing_to_be_done(demo):
    demo.run("site")
    assert "Nothing to be done" in demo.run("site", "-n").text


def test_a_partial_site_says_what_is_missing(demo):
    run = demo.folder / "results/runs/shapes/vit_tiny/ra/seed-1.json"
    aside = run.rename(run.with_suffix(".aside"))
    call = demo.run("partial_site")
    aside.rename(run)
    assert call.code == 0, call.text[-3000:]
    index = (demo.folder / "results/partial/site/index.html").read_text()
    assert "partial 2/3" in index
    assert "So far:" in index
    assert "1 of 63 runs is missing" in index
