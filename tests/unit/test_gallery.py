import math

import pyarrow as pa
import pytest
from PIL import Image

from sgid.gallery import (
    NO_BREAK,
    PictureSet,
    all_case_rows,
    choose_originals,
    gallery_rows,
    guidance_rows,
    read_sets,
    strip_of,
)
from sgid.image_sets import collect
from sgid.image_table import encode, image_rows, write_table
from sgid.picture_grid import GridRow, picture_grid
from sgid.runtime import write_json

IDS = [f"train/{number}" for number in range(6)]
LABELS = [0, 0, 0, 0, 1, 2]
NAMES = {0: "circle", 1: "square", 2: "star"}


def picture(shade: int) -> bytes:
    return encode(Image.new("RGB", (8, 8), (shade, shade, shade)))


def shade_of(image: Image.Image) -> int:
    return image.getpixel((0, 0))[0]


def originals() -> pa.Table:
    return image_rows(IDS, [picture(number) for number in range(6)], LABELS)


def with_columns(table: pa.Table, **columns: list) -> pa.Table:
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    return table


def drawn(
    recipe: str = "sgid",
    noise: str = "0.5",
    *,
    shade: int = 100,
    sources: list[str] = IDS,
    caption: str = "a circle",
    similarity: float = 0.31,
    guidance: float = 1.24,
) -> PictureSet:
    """Two replicates an original, the second one brighter."""
    pairs = [(source, replicate) for source in sources for replicate in (0, 1)]
    count = len(pairs)
    rows = image_rows(
        [f"{source}/{replicate}" for source, replicate in pairs],
        [picture(shade + replicate) for _, replicate in pairs],
        [0] * count,
    )
    sampled = with_columns(rows, source_id=[source for source, _ in pairs], replicate=[index for _, index in pairs])
    how = {"caption": [caption] * count, "similarity": [similarity] * count, "guidance": [guidance] * count}
    return PictureSet("shapes", recipe, noise, True, with_columns(sampled, **how, noise_rate=[noise] * count))


def perturbed(method: str = "ra", shade: int = 200) -> pa.Table:
    rows = image_rows([f"{source}/{method}" for source in IDS], [picture(shade)] * 6, LABELS)
    return with_columns(rows, source_id=IDS, method=[method] * 6)


def chosen_ids(count: int, seed: int = 0, *tables: pa.Table) -> list[str]:
    return [row["image_id"] for row in choose_originals(originals(), list(tables), count=count, seed=seed)]


def test_one_original_of_every_class_comes_before_a_second_of_any():
    rows = choose_originals(originals(), [], count=3, seed=0)
    assert {row["label"] for row in rows} == {0, 1, 2}


def test_the_same_seed_chooses_the_same_originals():
    assert chosen_ids(4) == chosen_ids(4)


def test_other_seeds_choose_others():
    assert len({tuple(chosen_ids(1, seed)) for seed in range(20)}) > 1


def test_only_originals_that_every_set_has_drawn_are_chosen():
    assert chosen_ids(6, 0, drawn(sources=IDS[:3]).rows, drawn(sources=IDS[2:]).rows) == [IDS[2]]


def test_sets_without_a_common_original_are_refused():
    with pytest.raises(ValueError, match="draw them from the same originals"):
        chosen_ids(1, 0, drawn(sources=["elsewhere"]).rows)


def rows_of(sets: list[PictureSet], columns: list[str], count: int = 1) -> list[GridRow]:
    return gallery_rows(originals(), sets, names=NAMES, columns=columns, count=count, seed=0)


def test_a_row_shows_the_original_and_the_first_replicate_of_every_set():
    row = rows_of([drawn(shade=100), drawn("text2img", shade=150)], ["original", "sgid", "text2img"])[0]
    assert [shade_of(image) for image in row.pictures][1:] == [100, 150]
    assert row.label in NAMES.values()


def test_a_note_has_caption_similarity_and_guidance():
    note = rows_of([drawn()], ["original", "sgid"])[0].note.replace(NO_BREAK, " ")
    assert note == "“a circle” · s* = 0.31 · g = 1.24"


def test_columns_drawn_in_another_way_have_a_line_of_their_own():
    sets = [drawn(noise="0.3"), drawn(noise="0.5"), drawn("text2img", caption="a dream", similarity=math.nan)]
    note = rows_of(sets, ["original", "0.3", "0.5", "text2img"])[0].note.replace(NO_BREAK, " ")
    assert note.splitlines() == ["0.3, 0.5: “a circle” · s* = 0.31 · g = 1.24", "text2img: “a dream” · g = 1.24"]


def test_column_titles_must_match_the_sets():
    with pytest.raises(ValueError, match="2 column titles for 1 original and 2 image sets"):
        rows_of([drawn(), drawn()], ["original", "sgid"])


def test_cases_mix_perturbed_and_generated_pictures_and_leave_gaps():
    rows = all_case_rows(
        {"shapes": originals()},
        [drawn()],
        {"shapes": perturbed("ra")},
        recipes={"ra": "ra", "sgid": "sgid", "sgid_ip": "sgid_ip"},
        names={"shapes": NAMES},
        count=1,
        seed=0,
    )
    first = rows[0].pictures[1:]
    assert [image and shade_of(image) for image in first] == [200, 100, None]


def test_cases_use_only_the_sets_of_their_data_set():
    rows = all_case_rows(
        {"pets": originals()}, [drawn()], {"pets": perturbed()}, recipes={"sgid": "sgid"}, names={"pets": NAMES},
        count=1, seed=0,
    )  # fmt: skip
    assert rows[0].pictures[1] is None


def test_guidance_rows_are_a_grid_of_guidance_by_noise_in_numeric_order():
    sets = [
        drawn(noise=noise, guidance=guidance, shade=shade)
        for noise, guidance, shade in [("0.7", 10.0, 4), ("0.3", 10.0, 3), ("0.7", 2.5, 2), ("0.3", 2.5, 1)]
    ]
    rows, columns = guidance_rows(originals(), sets, names=NAMES, seed=0)
    assert [row.label for row in rows] == ["g = 2.5", "g = 10"]
    assert columns[1:] == ["noise rate 0.3", "noise rate 0.7"]
    assert [[shade_of(image) for image in row.pictures[1:]] for row in rows] == [[1, 2], [3, 4]]


def test_a_strip_has_the_original_and_the_methods_that_have_a_set():
    strip = strip_of([originals()], [drawn()], base="backbone", recipes={"sgid": "sgid", "ra": "ra"}, seed=0)
    assert set(strip) == {"backbone", "sgid"}


def test_a_strip_without_originals_is_empty():
    assert strip_of([], [], base="backbone", recipes={}, seed=0) == {}


def write_set(folder, noise: str) -> str:
    shard, head = folder / f"{noise}.parquet", folder / f"{noise}.json"
    table = drawn(noise=noise).rows
    write_table(with_columns(table, flag=[""] * len(table)), shard)
    write_json(collect([shard], dataset="shapes", recipe="sgid", miniature=True), head)
    return str(head)


def test_of_several_noise_rates_the_selected_set_is_read(tmp_path):
    paths = [write_set(tmp_path, noise) for noise in ("0.3", "0.5")]
    write_json({"dataset": "shapes", "recipe": "sgid", "chosen": {"noise_rate": "0.5"}}, tmp_path / "choice.json")
    assert [each.noise_rate for each in read_sets(paths)] == ["0.3", "0.5"]
    assert [each.noise_rate for each in read_sets(paths, choices=[tmp_path / "choice.json"])] == ["0.5"]


def test_a_grid_draws_every_picture_and_stamps_a_miniature():
    rows = [GridRow("circle", (Image.new("RGB", (8, 8)), None), "a note")]
    figure = picture_grid(rows, columns=["original", "sgid"], title="Pictures", miniature=True)
    assert len(figure.axes) == 1
    assert any("miniature" in text.get_text() for text in figure.texts)


def test_a_grid_of_real_pictures_has_no_stamp():
    figure = picture_grid([GridRow("dog", (Image.new("RGB", (8, 8)),))], columns=["a"], title="", miniature=False)
    assert not any("miniature" in text.get_text() for text in figure.texts)


def test_a_long_title_of_a_column_stands_between_the_figures_title_and_the_pictures():
    name = "original: Chevrolet Silverado 1500 Extended Cab 2012"
    row = GridRow("g = 1", (Image.new("RGB", (8, 8)),))
    figure = picture_grid([row], columns=[name], title="Noise rate by guidance scale", miniature=False)
    figure.canvas.draw()
    title, column = (text.get_window_extent() for text in figure.texts[:2])
    assert not column.overlaps(title)
    assert not column.overlaps(figure.axes[0].get_window_extent())
