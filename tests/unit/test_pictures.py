"""What becomes of a picture on its way into the table: bytes that are kept, formats that change, broken ones."""

import io

import numpy as np
import pytest
from PIL import Image
from small_archives import dtd, labels_of
from small_pictures import JPEG, noise, saved

from sgid.image_table import decode, encoded_of, image_rows, read_table, read_test_table, write_row_groups


def oriented(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(noise(30, 20), "JPEG", exif=exif)


def clear_palette() -> Image.Image:
    picture = Image.new("P", (20, 20))
    picture.putpalette([255, 0, 0])
    return picture


KEPT = {
    "JPEG RGB": JPEG,
    "JPEG L": saved(Image.new("L", (20, 20), 77), "JPEG"),
    "JPEG CMYK": saved(Image.new("CMYK", (20, 20), (0, 200, 200, 0)), "JPEG"),
    "PNG RGB": saved(noise()),
}
MADE_PNG = {
    "GIF P": saved(noise().quantize(16), "GIF"),
    "PNG P": saved(clear_palette(), transparency=0),
    "PNG RGBA": saved(Image.new("RGBA", (20, 20), (255, 0, 0, 128))),
    "PNG I;16": saved(Image.fromarray(np.full((20, 20), 0x8000, np.uint16))),
    "PNG LA": saved(Image.new("LA", (20, 20), (0, 128))),
}
BROKEN = {
    "no content": (b"", r"has no content \(0 bytes\)"),
    "cut": (saved(noise(60, 60), "JPEG")[:2000], r"cannot be decoded as an image \(image file is truncated"),
    "a page": (b"<html>Not found</html>", r"cannot be decoded as an image \(no known format"),
}


@pytest.mark.parametrize("found", KEPT)
def test_jpegs_and_plain_pngs_keep_their_bytes_whatever_they_are_called(found, tmp_path):
    data = dtd(tmp_path, {"a/a_0001": KEPT[found]})
    assert next(encoded_of(data.table("train"))) == ("a/a_0001", KEPT[found])
    assert data.index["format"][0] == found


@pytest.mark.parametrize("found", MADE_PNG)
def test_other_pictures_become_rgb_pngs_of_equal_pixels(found, tmp_path):
    data = dtd(tmp_path, {"a/a_0001": MADE_PNG[found]})
    image = Image.open(io.BytesIO(next(encoded_of(data.table("train")))[1]))
    assert (image.format, image.mode, data.index["format"][0]) == ("PNG", "RGB", found)
    assert image.tobytes() == decode(MADE_PNG[found]).tobytes()


def test_a_suffix_says_what_a_picture_has_become(tmp_path):
    data = dtd(tmp_path, {"a/a_0001": MADE_PNG["GIF P"]})
    assert [image["path"] for image in data.table("train")["image"].to_pylist()] == ["a/a_0001.png", "b/b_0001.jpg"]


@pytest.mark.parametrize(("orientation", "size"), [(1, (30, 20)), (6, (20, 30)), (0, (30, 20)), (9, (30, 20))])
def test_a_turned_photograph_keeps_its_bytes_and_is_decoded_upright(orientation, size, tmp_path):
    _, data = next(encoded_of(dtd(tmp_path, {"a/a_0001": oriented(orientation)}).table("train")))
    assert (data, decode(data).size) == (oriented(orientation), size)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_picture_stops_the_run_with_its_reason(kind, tmp_path):
    data, reason = BROKEN[kind]
    with pytest.raises(ValueError, match=rf"^dtd: 1 of 6 images cannot be used \(a/a_0001: {reason}.*`broken: leave"):
        dtd(tmp_path, {"a/a_0001": data})


def test_broken_pictures_are_left_out_and_listed_where_the_entry_says_so(tmp_path):
    broken = {"a/a_0001": BROKEN["cut"][0], "b/b_0003": b""}
    data = dtd(tmp_path, broken, broken="leave out")
    assert [list(part) for part in labels_of(data).values()] == [["b/b_0001"], ["a/a_0002", "b/b_0002"], ["a/a_0003"]]
    assert data.left_out["member"].tolist() == list(broken)
    assert data.left_out["reason"].str.contains("truncated|0 bytes").all()


def test_a_split_that_only_had_broken_pictures_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"dtd: none of the 2 images of train can be used; mend them"):
        dtd(tmp_path, {"a/a_0001": b"", "b/b_0001": b""}, broken="leave out")


def test_a_written_split_knows_what_it_is_and_only_one_reader_opens_test(tmp_path):
    data = dtd(tmp_path)
    for split in ("train", "test"):
        data.write(split, tmp_path / f"{split}.parquet")
    (tmp_path / "test.parquet").rename(tmp_path / "train-2.parquet")
    assert read_table(tmp_path / "train.parquet").equals(data.table("train"))
    assert read_test_table(tmp_path / "train-2.parquet").equals(data.table("test"))
    with pytest.raises(ValueError, match=r"train-2\.parquet: holds the test images"):
        read_table(tmp_path / "train-2.parquet")


@pytest.mark.parametrize("groups", [["b", "a"], ["ba"], ["ab", "b"], ["aa"]])
def test_row_groups_out_of_the_order_of_their_ids_are_refused(groups, tmp_path):
    tables = [image_rows(list(ids), [JPEG] * len(ids), [0] * len(ids)) for ids in groups]
    with pytest.raises(ValueError, match=r"t\.parquet: image_id '[ab]' occurs more than once, or out of order"):
        write_row_groups(tables, tmp_path / "t.parquet", metadata={})
    assert not list(tmp_path.iterdir())
