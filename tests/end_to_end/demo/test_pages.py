"""The miniature's pages of pictures and exports: made by the rules, from what the demo drew."""

import zipfile

import pyarrow.parquet as pq

from sgid.runtime import read_json

SET = "results/images/shapes/sgid/noise-0.5.json"


def test_what_was_drawn_has_pages_that_say_miniature(demo):
    call = demo.run("image_pages")
    assert call.code == 0, call.text[-3000:]
    folder = demo.folder / "results/pages"
    page, numbers = (folder / "shapes/sgid.html").read_text(), read_json(folder / "shapes/sgid.json")
    assert "<title>Miniature: pictures of Shapes, sgid</title>" in page
    assert page.count('<figure class="child"') == numbers["shown"]["images"] == 8 * 6 * 3
    assert numbers["images"] == 3 * 120
    index = (folder / "index.html").read_text()
    assert all(f'href="shapes/{path.stem}.html"' in index for path in (folder / "shapes").glob("*.html"))


def test_a_set_is_exported_whole_in_both_forms(demo):
    call = demo.run("export_images")
    assert call.code == 0, call.text[-3000:]
    folder = demo.folder / "results/exports/shapes/sgid/noise-0.5"
    images = read_json(demo.folder / SET)["images"]
    with zipfile.ZipFile(folder / "imagefolder.zip") as archive:
        assert sum(name.endswith(".png") for name in archive.namelist()) == images
    assert pq.read_metadata(folder / "data.parquet").num_rows == images
    assert "Miniature: drawn data set" in (folder / "README.md").read_text()
