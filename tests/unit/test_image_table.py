import struct
import zlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from small_pictures import noise, saved

from sgid.image_table import (
    decode,
    encode,
    fitted,
    image_rows,
    pictures_of,
    pixels_of,
    read_metadata,
    read_table,
    read_tables,
    rows_at,
    shard,
    write_table,
)

RED, WHITE = (255, 0, 0), (255, 255, 255)


def table_of(*names: str) -> pa.Table:
    return image_rows(list(names), [saved(Image.new("RGB", (4, 4), RED))] * len(names), list(range(len(names))))


def ids(table: pa.Table) -> list[str]:
    return table["image_id"].to_pylist()


def test_a_table_comes_back_as_it_was_written(tmp_path):
    table = table_of("a", "b")
    write_table(table, tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").equals(table)


def test_rows_are_written_in_the_order_of_their_ids(tmp_path):
    write_table(table_of("b", "c", "a"), tmp_path / "t.parquet")
    assert ids(read_table(tmp_path / "t.parquet")) == ["a", "b", "c"]


def test_labels_and_pictures_move_with_their_ids(tmp_path):
    write_table(table_of("b", "c", "a"), tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert table["label"].to_pylist() == [2, 0, 1]
    assert [image["path"] for image in table["image"].to_pylist()] == ["a.png", "b.png", "c.png"]


def test_equal_tables_are_equal_bytes(tmp_path):
    for name in ("one", "two"):
        write_table(table_of("b", "a"), tmp_path / name, metadata={"z": 1, "a": 2})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_an_id_that_occurs_twice_is_refused_by_its_name(tmp_path):
    with pytest.raises(ValueError, match=r"t\.parquet: image_id 'b' occurs more than once"):
        write_table(table_of("b", "a", "b"), tmp_path / "t.parquet")


def test_a_refused_table_leaves_the_old_file(tmp_path):
    write_table(table_of("a"), tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="more than once"):
        write_table(table_of("b", "b"), tmp_path / "t.parquet")
    assert ids(read_table(tmp_path / "t.parquet")) == ["a"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    write_table(table_of("a"), tmp_path / "t.parquet")
    unwritable = table_of("b").append_column("x", pa.nulls(1, pa.month_day_nano_interval()))
    with pytest.raises(pa.ArrowNotImplementedError):
        write_table(unwritable, tmp_path / "t.parquet")
    assert ids(read_table(tmp_path / "t.parquet")) == ["a"]
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


def test_a_half_written_file_is_refused_by_its_name(tmp_path):
    write_table(table_of("a"), tmp_path / "t.parquet")
    (tmp_path / "half.parquet").write_bytes((tmp_path / "t.parquet").read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"half\.parquet: not a readable Parquet table .*run its rule again"):
        read_table(tmp_path / "half.parquet")


def test_metadata_comes_back(tmp_path):
    write_table(table_of("a"), tmp_path / "t.parquet", metadata={"recipe": "sgid"})
    assert read_metadata(tmp_path / "t.parquet") == {"recipe": "sgid"}


def test_a_table_without_metadata_has_an_empty_one(tmp_path):
    write_table(table_of("a"), tmp_path / "t.parquet")
    assert read_metadata(tmp_path / "t.parquet") == {}


def test_several_shards_are_read_in_the_order_of_ids(tmp_path):
    for name, rows in (("one", ("d", "b")), ("two", ("c", "a"))):
        write_table(table_of(*rows), tmp_path / name)
    assert ids(read_tables([tmp_path / "one", tmp_path / "two"])) == ["a", "b", "c", "d"]


def test_some_columns_are_read_alone(tmp_path):
    write_table(table_of("a"), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", ["label"]).column_names == ["label"]


@given(st.integers(0, 300), st.integers(1, 70))
def test_shards_hold_every_row_once_in_order(rows, count):
    table = pa.table({"image_id": [f"{i:04d}" for i in range(rows)]})
    parts = [shard(table, i, count) for i in range(count)]
    assert pa.concat_tables(parts).equals(table)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("index", [-1, 3, 4])
def test_a_shard_that_does_not_exist_is_refused(index):
    with pytest.raises(ValueError, match=f"shard {index} of 3 does not exist"):
        shard(table_of("a"), index, 3)


def test_transparency_is_laid_on_white():
    layer = Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    layer.putpixel((1, 0), (*RED, 255))
    picture = decode(saved(layer))
    assert [picture.getpixel((x, 0)) for x in (0, 1)] == [WHITE, RED]


def test_half_transparency_is_half_white():
    assert decode(saved(Image.new("RGBA", (1, 1), (255, 0, 0, 128)))).getpixel((0, 0)) == (255, 127, 127)


def test_gray_becomes_three_equal_channels():
    assert decode(saved(Image.new("L", (1, 1), 77))).getpixel((0, 0)) == (77, 77, 77)


def test_gray_with_transparency_is_laid_on_white():
    assert decode(saved(Image.new("LA", (1, 1), (0, 0)))).getpixel((0, 0)) == WHITE


def test_sixteen_bit_gray_keeps_its_brightness():
    half = Image.fromarray(np.full((1, 1), 32768, np.uint16))
    assert decode(saved(half)).getpixel((0, 0)) == (128, 128, 128)


def test_sixteen_bits_of_a_graymap_keep_their_brightness():
    assert decode(b"P5 1 1 65535 \x80\x00").getpixel((0, 0)) == (128, 128, 128)


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_thirty_two_bits_are_refused_by_the_name_of_the_image(kind):
    with pytest.raises(ValueError, match=r"^train/7: has 32 bits a channel, of which no one knows the white; save it"):
        decode(saved(Image.fromarray(np.ones((2, 2), kind)), "TIFF"), name="train/7")


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_transparent_palette_entry_is_laid_on_white(kind):
    picture = Image.new("P", (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    decoded = decode(saved(picture, kind, transparency=0))
    assert [decoded.getpixel((x, 0)) for x in (0, 1)] == [WHITE, (0, 0, 255)]


def test_a_palette_with_a_byte_of_transparency_for_each_entry_is_laid_on_white():
    picture = Image.new("P", (1, 1))
    picture.putpalette([255, 0, 0])
    assert decode(saved(picture, transparency=b"\x00")).getpixel((0, 0)) == WHITE


def test_cmyk_becomes_rgb():
    assert decode(saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")).getpixel((4, 4))[0] > 200


def test_a_png_called_jpg_is_read_as_what_it_is():
    table = image_rows(["a"], [saved(Image.new("RGB", (1, 1), RED))], [0], suffix="jpg")
    assert pictures_of(table)[0].getpixel((0, 0)) == RED


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "PPM"])
def test_truncated_bytes_are_refused_by_the_name_of_the_image(kind):
    data = saved(noise(), kind)
    with pytest.raises(ValueError, match=r"^train/7: cannot be decoded as an image"):
        decode(data[: len(data) // 2], name="train/7")


@settings(max_examples=60)
@given(st.sampled_from(["PNG", "JPEG", "GIF", "PPM"]), st.floats(0, 1), st.binary(max_size=30))
def test_damaged_bytes_are_a_picture_or_a_sentence(kind, where, damage):
    data = saved(noise(), kind)
    at = int(where * len(data))
    try:
        assert decode(data[:at] + damage, name="x").mode == "RGB"
    except ValueError as error:
        assert str(error).startswith("x: cannot be decoded")  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize("side", [12_000, 40_000])
def test_a_picture_that_would_fill_the_memory_is_refused(side):
    parts = {b"IHDR": struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0), b"IDAT": zlib.compress(bytes(100))}
    chunks = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts.items()]
    with pytest.raises(ValueError, match=r"^bomb: cannot be decoded"):
        decode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks), name="bomb")


def test_pictures_of_a_table_name_the_one_that_is_broken():
    table = image_rows(["good", "bad"], [saved(noise()), b"nothing"], [0, 0])
    with pytest.raises(ValueError, match=r"^bad: "):
        pictures_of(table)


def test_png_keeps_every_pixel():
    assert decode(encode(noise())).tobytes() == noise().tobytes()


def test_jpeg95_keeps_a_smooth_picture_nearly():
    ramp = Image.fromarray(np.repeat(np.arange(0, 256, 8, np.uint8)[:, None, None], 32, 1).repeat(3, 2))
    error = np.asarray(decode(encode(ramp, "jpeg95")), int) - np.asarray(ramp, int)
    assert np.abs(error).max() <= 6


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 64))
def test_a_fitted_picture_has_the_size_asked_for(width, height, size):
    assert fitted(Image.new("RGB", (width, height)), size).size == (size, size)


def test_a_picture_that_fits_is_left_alone():
    picture = noise(32, 32)
    assert fitted(picture, 32) is picture


@pytest.mark.parametrize("turned", [False, True])
def test_a_fitted_picture_is_the_centre(turned):
    pixels = np.zeros((30, 90, 3), np.uint8)
    pixels[:, 30:60] = RED
    picture = Image.fromarray(pixels.transpose(1, 0, 2) if turned else pixels)
    assert set(fitted(picture, 30).get_flattened_data()) == {RED}


def test_pixels_are_one_array_of_squares():
    table = image_rows(["a", "b"], [saved(noise(20, 30)), saved(noise(50, 16))], [0, 1])
    pixels = pixels_of(table, 16)
    assert (pixels.shape, pixels.dtype) == ((2, 16, 16, 3), np.uint8)


@given(st.lists(st.integers(0, 4), max_size=8))
def test_rows_come_in_the_order_asked_for_however_often(rows):
    table = table_of("a", "b", "c", "d", "e")
    assert rows_at(table, rows).equals(table.take(rows) if rows else table.slice(0, 0))


def test_pictures_of_rows_out_of_several_chunks_are_theirs():
    one = image_rows(["a", "b"], [saved(Image.new("RGB", (2, 2), RED)), saved(Image.new("RGB", (2, 2), WHITE))], [0, 1])
    table = pa.concat_tables([one, one.slice(1)])
    assert [picture.getpixel((0, 0)) for picture in pictures_of(rows_at(table, [2, 0, 1]))] == [WHITE, RED, WHITE]
