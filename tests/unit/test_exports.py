import csv
import io
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from drawn_sets import drawn_row, write_set
from PIL import Image
from torchvision.datasets import ImageFolder

from sgid.exports import Export, card_of, class_folders, features_of, suffix_of, write_imagefolder, write_parquet
from sgid.image_table import decode

CARD = (Path(__file__).parents[2] / "report/dataset_card.md").read_text(encoding="utf-8")
STRANGE = ["../../etc", 'a "b", c', "con\nnewline"]
FOLDERS = ["_.._etc", "a _b_, c", "con_newline"]
ROWS = [drawn_row(f"train/{STRANGE[label]}/{label}", label, caption='say "hi", now') for label in range(3)]


def export_of(folder, *, classes=STRANGE, shards=2, **options) -> Export:
    return Export(write_set(folder, ROWS, shards=shards, **options), classes)


def unpacked(folder, export) -> Path:
    write_imagefolder(export, "card", folder / "imagefolder.zip")
    with zipfile.ZipFile(folder / "imagefolder.zip") as archive:
        archive.extractall(folder / "imagefolder")
    return folder / "imagefolder"


def table_of(path: Path) -> list[dict]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def test_torchvision_reads_the_archive_with_a_class_for_each_folder(tmp_path):
    root = unpacked(tmp_path, export_of(tmp_path))
    found = ImageFolder(str(root))
    assert found.classes == sorted(FOLDERS)
    assert sorted(found.targets) == [0, 1, 2]
    assert found[0][0].size == (8, 8)


def test_folders_are_called_like_classes_and_lead_nowhere_else(tmp_path):
    write_imagefolder(export_of(tmp_path), "card", tmp_path / "a.zip")
    names = zipfile.ZipFile(tmp_path / "a.zip").namelist()
    pictures = [name for name in names if name.endswith(".png")]
    assert pictures == [f"{folder}/{number:06}.png" for number, folder in enumerate(FOLDERS)]
    folders = {f"{folder}/" for folder in FOLDERS}
    assert set(names) - set(pictures) == folders | {"classes.csv", "manifest.csv", "README.md"}


def test_the_lists_inside_tell_what_folders_and_files_stand_for(tmp_path):
    export = export_of(tmp_path)
    root = unpacked(tmp_path, export)
    assert [row["name"] for row in table_of(root / "classes.csv")] == STRANGE
    manifest = table_of(root / "manifest.csv")
    assert {row["image_id"] for row in manifest} == {row["image_id"] for row in ROWS}
    assert manifest[0]["caption"] == 'say "hi", now'
    kept = {row["image_id"]: row["image"]["bytes"] for table in export.shards() for row in table.to_pylist()}
    assert all((root / row["file"]).read_bytes() == kept[row["image_id"]] for row in manifest)


def test_a_class_without_a_picture_keeps_its_folder(tmp_path):
    root = unpacked(tmp_path, export_of(tmp_path, classes=[*STRANGE, "none of it"]))
    assert "none of it" in ImageFolder(str(root), allow_empty=True).classes


def test_equal_pictures_are_equal_archives_however_they_are_sharded(tmp_path):
    files = []
    for shards in (1, 3):
        files.append(tmp_path / f"{shards}.zip")
        write_imagefolder(export_of(tmp_path / str(shards), shards=shards), "card", files[-1])
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("tabby cat", "tabby cat"), ("Dürer, “Hase”", "Dürer, “Hase”"), ("猫", "猫"), ("a/b\\c", "a_b_c"),
        ("..", "_"), ("", "_"), (".hidden", "hidden"), ("dot. ", "dot"), ("nul", "nul_"), ("Com1.jpg", "Com1.jpg_"),
        ("what?", "what_"), ("a\u202eb\x00", "a_b_"), ("u\u0308", "ü"), ("\udc80", "_"), ("🐈" * 99, "🐈" * 50),
    ],
)  # fmt: skip
def test_a_folder_keeps_of_a_name_what_every_file_system_takes(name, folder):
    assert class_folders([name]) == [folder]


def test_names_that_would_be_one_folder_have_their_label_behind_them():
    assert class_folders(["Cat", "dog", "cat", "a/b", "a:b"]) == ["Cat-000", "dog", "cat-002", "a_b-003", "a_b-004"]


def test_where_that_makes_another_class_s_folder_all_have_their_label():
    assert class_folders(["cat", "Cat", "cat-000"]) == ["cat-000", "Cat-001", "cat-000-002"]


def test_long_names_stay_within_what_file_systems_allow():
    folders = class_folders(["é" * 300, "é" * 299])
    assert len(set(folders)) == 2
    assert max(len(folder.encode()) for folder in folders) < 255


@pytest.mark.parametrize(("encoding", "suffix"), [("png", "png"), ("jpeg95", "jpg")])
def test_a_file_is_named_after_what_it_is(tmp_path, encoding, suffix):
    root = unpacked(tmp_path, export_of(tmp_path, encoding=encoding))
    assert len(list(root.glob(f"*/*.{suffix}"))) == 3
    with Image.open(next(root.glob("*/*"))) as picture:
        assert picture.format == {"png": "PNG", "jpg": "JPEG"}[suffix]


def test_what_is_no_picture_is_refused():
    with pytest.raises(ValueError, match="a/0: neither PNG nor JPEG"):
        suffix_of(b"GIF89a", "a/0")


def test_the_parquet_file_tells_datasets_what_its_columns_are(tmp_path):
    write_parquet(export_of(tmp_path), tmp_path / "data.parquet")
    table = pq.read_table(tmp_path / "data.parquet")
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert [*features] == table.column_names
    assert features["image"] == {"_type": "Image"}
    assert features["label"] == {"_type": "ClassLabel", "names": STRANGE}
    assert features["seed"] == {"_type": "Value", "dtype": "int64"}
    assert json.loads(table.schema.metadata[b"sgid"])["recipe"] == "sgid"
    assert len(table) == 3
    assert decode(table["image"][0].as_py()["bytes"]).size == (8, 8)


def test_datasets_is_told_equal_class_names_apart():
    told = json.loads(features_of(pa.schema({"label": pa.int64()}), ["crane", "dog", "crane"]))
    assert told["info"]["features"]["label"]["names"] == ["crane (0)", "dog", "crane (2)"]


def test_the_card_says_synthetic_model_and_licence(tmp_path):
    card = card_of(CARD, export_of(tmp_path), "Pets\n---")
    head = yaml.safe_load(card.split("---")[1])
    assert head["configs"][0]["data_files"] == [{"split": "train", "path": "data.parquet"}]
    assert "synthetic" in head["tags"]
    assert "owner/model at c0ffee" in card
    assert "creativeml-openrail-m" in card
    assert "iniature" not in card
    assert "${" not in card


def test_a_shard_that_is_not_the_set_s_is_refused_and_no_file_is_left(tmp_path):
    export = export_of(tmp_path)
    (tmp_path / "noise-0.3/shard-1-of-2.parquet").unlink()
    for write, name in (
        (lambda path: write_imagefolder(export, "card", path), "a.zip"),
        (lambda path: write_parquet(export, path), "data.parquet"),
    ):
        with pytest.raises(ValueError, match="is missing; run"):
            write(tmp_path / "out" / name)
    assert not list((tmp_path / "out").iterdir())
