"""The miniature of the human evaluation: pages, simulated sheets and their table, from what the demo drew."""

import pandas as pd

from sgid.rating_pages import page_of
from sgid.runtime import read_json


def test_table_2_is_made_from_simulated_sheets_and_says_so_everywhere(demo):
    call = demo.run("table2", "annotation_kit")
    assert call.code == 0, call.text[-3000:]
    assert "draw_images" not in call.text
    folder = demo.folder / "results"
    key = read_json(folder / "human/table2/keys/shapes.json")
    assert len(key["items"]) == 6 * 4 + 4
    for number in (1, 2, 3):
        page = (folder / f"human/table2/pages/annotator-{number}/shapes.html").read_text()
        assert f'data-page="{page_of(key, number)}"' in page
    for suffix in ("md", "tex", "html"):
        assert "Miniature, simulated ratings: Human" in (folder / f"tables/table2.{suffix}").read_text()
    cells = pd.read_csv(folder / "tables/table2.csv")
    assert cells[["simulated", "miniature"]].all(axis=None)
    assert cells.loc[cells["dataset"] == "shapes", "n_done"].eq(3).all()
    # Table 1 of the demo has run by now, with three of the four rated methods.
    assert cells.loc[cells["dataset"] == "accuracy"].set_index("row")["mean"].notna().to_dict() == {
        "ra": True, "sgid": True, "sgid_dc": False, "text2img": True
    }  # fmt: skip
