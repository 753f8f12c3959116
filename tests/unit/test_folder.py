import io
import os

import numpy as np
import pytest
from PIL import Image

from sgid.dataset_registry import DatasetRegistry
from sgid.datasets import SPLITS, prepare, request_of
from sgid.datasets.duplicates import find_duplicates, signatures
from sgid.folders import fingerprint, image_files
from sgid.image_table import image_rows, read_table, read_test_table
from sgid.matrix import Matrix
from sgid.references import ConfigError

STRANGE = "o'brien; rm -rf $HOME"


def picture(seed: int, kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def put(root, *paths: str):
    for seed, path in enumerate(paths):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(picture(seed))
    return root


def entry_of(root, **keys) -> dict:
    entry = {"title": "Mine", "source": "folder", "folder": str(root), "split": {"test": 0.25}, "validation": 0.25}
    return entry | {"resolution": 512, "stored": None, "image_size": 224} | keys


def prepared(root, workspace, **keys):
    entry = entry_of(root, **keys)
    entry |= DatasetRegistry({"mine": entry}).contents("mine")
    request = request_of(entry, files={}, split_files=[], names=[], seed=0)
    return prepare("mine", entry, request, workspace=workspace)


def ids(data, split):
    return [each.image_id for each in data.parts[split]]


@pytest.fixture
def root(tmp_path):
    names = [f"{name}/{i}.jpg" for name in ("cat", "a dog", STRANGE) for i in range(8)]
    return put(tmp_path / "pictures", *names, "cat/deep/er/last.png")


@pytest.fixture
def given(tmp_path):
    folders = ("train", "val", "test")
    return put(tmp_path / "given", *[f"{split}/{name}/{i}.jpg" for split in folders for name in "ab" for i in range(3)])


def test_class_folders_become_classes_in_the_order_of_their_names(root, tmp_path):
    assert prepared(root, tmp_path).names == sorted(["cat", "a dog", STRANGE])


def test_every_picture_is_train_or_test_and_held_out_ones_are_train(root, tmp_path):
    data = prepared(root, tmp_path)
    assert sorted(ids(data, "train") + ids(data, "test")) == image_files(root)
    assert set(ids(data, "validation")) < set(ids(data, "train"))
    assert [len(data.parts[split]) for split in SPLITS] == [19, 6, 6]


def test_a_drawn_split_is_stratified(root, tmp_path):
    assert sorted(each.label for each in prepared(root, tmp_path).parts["test"]) == [0, 0, 1, 1, 2, 2]


def test_a_drawn_split_does_not_move_when_a_class_is_added(root, tmp_path):
    before = ids(prepared(root, tmp_path), "test")
    put(root, *[f"zebra/{i}.jpg" for i in range(4)])
    assert [each for each in ids(prepared(root, tmp_path), "test") if "zebra" not in each] == before


def test_an_id_is_the_path_in_the_folder_and_deeper_folders_belong_to_their_class(root, tmp_path):
    data = prepared(root, tmp_path)
    (deep,) = [each for part in data.parts.values() for each in part if each.image_id == "cat/deep/er/last.png"][:1]
    assert data.names[deep.label] == "cat"


def test_a_given_split_is_taken_from_the_folders_above(given, tmp_path):
    data = prepared(given, tmp_path, split="given", validation="official")
    assert {split: {each.split("/")[0] for each in ids(data, split)} for split in SPLITS} == {
        "train": {"train"}, "validation": {"val"}, "test": {"test"},
    }  # fmt: skip
    assert data.names == ["a", "b"]


def test_a_folder_that_names_no_split_is_refused(given, tmp_path):
    put(given, "trian/a/9.jpg")
    with pytest.raises(ValueError, match=r"trian: names no split \(have: train, test, val"):
        prepared(given, tmp_path, split="given", validation="official")


def test_a_picture_in_no_class_folder_is_refused_by_its_name(root, tmp_path):
    put(root, "stray.jpg")
    with pytest.raises(ValueError, match=r"stray\.jpg: lies in no class folder; move it into one"):
        prepared(root, tmp_path)


def test_a_list_gives_labels_and_splits(tmp_path):
    root = put(tmp_path / "flat", *[f"{i}.jpg" for i in range(6)])
    lines = [
        f"{i}.jpg,{'x' if i % 2 else 'y'},{split}" for i, split in enumerate(["train"] * 3 + ["val"] + ["test"] * 2)
    ]
    (tmp_path / "list.csv").write_text("image,label,split\n" + "\n".join(lines))
    data = prepared(root, tmp_path, labels=str(tmp_path / "list.csv"), split="given", validation="official")
    assert (data.names, ids(data, "test")) == (["x", "y"], ["4.jpg", "5.jpg"])
    assert [each.label for each in data.parts["train"]] == [1, 0, 1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("picture;label\n0.jpg;x\n", r"has no column image, label \(found: picture;label; separated by commas\)"),
        ("image,label\n0.jpg,\n", "line 2: 0.jpg has no label; fill it in"),
        ("image,label\n", "holds no picture where two classes are the least"),
        ("image,label\n0.jpg,caf\xe9\n", "is not UTF-8 text .*; save it as UTF-8"),
    ],
)
def test_a_wrong_list_is_refused_with_its_line(tmp_path, text, sentence):
    root = put(tmp_path / "flat", "0.jpg")
    (tmp_path / "list.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=rf"^.*list\.csv.*{sentence}"):
        prepared(root, tmp_path, labels=str(tmp_path / "list.csv"))


def test_a_list_with_a_split_of_no_name_is_refused_with_the_legal_ones(tmp_path):
    root = put(tmp_path / "flat", "0.jpg")
    (tmp_path / "list.csv").write_text("image,label,split\n0.jpg,x,dev\n")
    with pytest.raises(ValueError, match=r"line 2: 'dev' is no split \(have: train, test, val"):
        prepared(root, tmp_path, labels=str(tmp_path / "list.csv"), split="given", validation="official")


def test_broken_pictures_stop_the_run_with_reasons(root, tmp_path):
    (root / "cat/0.jpg").write_bytes(b"")
    (root / "cat/1.jpg").write_bytes(picture(1)[:200])
    with pytest.raises(
        ValueError, match=r"^mine: 2 of 25 images cannot be used \(cat/0\.jpg: has no content \(0 bytes"
    ):
        prepared(root, tmp_path)


def test_a_link_to_nothing_is_a_broken_picture_with_its_reason(root, tmp_path):
    (root / "cat/lost.jpg").symlink_to(tmp_path / "nowhere.jpg")
    data = prepared(root, tmp_path, broken="leave out")
    assert data.left_out.values.tolist() == [["cat/lost.jpg", "cannot be read (No such file or directory)"]]


def test_broken_pictures_are_left_out_where_the_configuration_says_so(root, tmp_path):
    (root / "cat/0.jpg").write_bytes(b"")
    data = prepared(root, tmp_path, broken="leave out")
    assert data.left_out.to_dict("list") == {"member": ["cat/0.jpg"], "reason": ["has no content (0 bytes)"]}


def test_files_with_other_endings_are_named_among_those_left_out(root, tmp_path):
    put(root, "cat/phone.heic", "notes.txt")
    left_out = prepared(root, tmp_path).left_out
    assert left_out["member"].tolist() == ["cat/phone.heic", "notes.txt"]
    assert left_out["reason"].str.startswith("its ending is none of .jpg .jpeg").all()


def test_numbers_of_broken_images_do_not_change_what_is_asserted(root, tmp_path):
    (root / "cat/0.jpg").write_bytes(b"")
    data = prepared(root, tmp_path, broken="leave out", train=19, test=6, classes=3)
    assert len(data.parts["train"]) + len(data.parts["test"]) == 24


def test_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty, read as <class>/…, holds no picture where two classes are the least"):
        prepared(tmp_path / "empty", tmp_path)


def test_a_folder_one_level_too_high_is_refused(root, tmp_path):
    with pytest.raises(ValueError, match=r"read as <class>/…, holds one class, 'pictures', where two classes"):
        prepared(root.parent, tmp_path)


def test_a_forgotten_given_split_is_guessed(given, tmp_path):
    with pytest.raises(ValueError, match=r"its classes would be test, train, val; did you mean `split: given`\?"):
        prepared(given, tmp_path)


def test_split_folders_may_be_written_in_any_case(tmp_path):
    root = put(tmp_path / "x", *[f"{split}/{name}/0.jpg" for split in ("Train", "VALID", "Test") for name in "ab"])
    data = prepared(root, tmp_path, split="given", validation="official")
    assert [len(data.parts[split]) for split in SPLITS] == [2, 2, 2]


def test_a_listed_image_that_is_not_there_is_a_broken_one(tmp_path):
    root = put(tmp_path / "flat", *[f"{i}.jpg" for i in range(4)])
    rows = [f"{i}.jpg,{'xy'[i % 2]}" for i in range(4)] + ["7.jpg,x"]
    (tmp_path / "list.csv").write_text("image,label\n" + "\n".join(rows))
    with pytest.raises(ValueError, match=r"1 of 5 images cannot be used \(7\.jpg: cannot be read \(No such file"):
        prepared(root, tmp_path, labels=str(tmp_path / "list.csv"))


def test_an_image_that_a_list_names_twice_is_refused(tmp_path):
    root = put(tmp_path / "flat", *[f"{i}.jpg" for i in range(4)])
    rows = [f"{i}.jpg,{'xy'[i % 2]}" for i in range(4)] + ["0.jpg,y"]
    (tmp_path / "list.csv").write_text("image,label\n" + "\n".join(rows))
    with pytest.raises(ValueError, match=r"0\.jpg"):
        prepared(root, tmp_path, labels=str(tmp_path / "list.csv"))


def test_files_that_are_no_pictures_and_hidden_ones_are_passed_over(root):
    before = image_files(root)
    for name in ("cat/notes.txt", ".thumbs/1.jpg", "cat/._0.jpg", "Thumbs.db"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x")
    assert image_files(root) == before


def test_linked_folders_are_followed_and_circles_end(root, tmp_path):
    put(tmp_path / "elsewhere", "0.jpg")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "cat" / "circle").symlink_to(root)
    assert "linked/0.jpg" in image_files(root)
    assert len(image_files(root)) == 26


def test_a_touched_picture_or_a_moved_folder_is_the_same(root, tmp_path):
    before = fingerprint(root)
    (root / "cat/0.jpg").touch()
    os.utime(root / "cat/1.jpg", (1, 1))
    assert fingerprint(root.rename(tmp_path / "moved")) == before


def test_contents_hold_neither_place_nor_counts(root):
    contents = DatasetRegistry({"mine": entry_of(root, train=19, classes=3)}).contents("mine")
    assert not {"folder", "labels", "train", "classes"} & contents.keys()


@pytest.mark.parametrize(
    ("split", "validation", "seed"), [("given", "official", None), ("given", 0.1, 7), ({"test": 0.2}, 0.1, 7)]
)
def test_the_seed_of_splits_counts_only_where_something_is_drawn(split, validation, seed):
    registry = DatasetRegistry({"mine": entry_of("/x", split=split, validation=validation)})
    assert registry.split_seed("mine", 7) == seed


def test_a_fingerprint_follows_every_change_of_a_picture(root):
    states = [fingerprint(root)]
    for change in (lambda: put(root, "cat/new.jpg"), lambda: (root / "cat/new.jpg").write_bytes(b"other"),
                   lambda: (root / "cat/new.jpg").rename(root / "cat/newer.jpg")):  # fmt: skip
        change()
        states.append(fingerprint(root))
    assert len(set(states)) == 4


def test_a_folder_without_stated_sizes_is_counted_for_its_shards(config, root):
    config["datasets"]["mine"] = entry_of(root)
    config["chunk"] = 5
    assert Matrix(config).shards("mine") == 4
    assert Matrix(config).shards("mine", "sgid_guidance_1") == 1


def test_stated_sizes_spare_the_look_into_the_folder(config):
    config["datasets"]["mine"] = entry_of("/no/such/folder", train=12, classes=3)
    assert Matrix(config).shards("mine") == 1


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"folder": "/no/such"}, r"^datasets\.mine: /no/such: there is no such folder; correct `folder`"),
        ({"labels": "/no.csv"}, r"^datasets\.mine: /no\.csv: there is no such list; correct `labels`"),
        ({"validation": "official"}, r"^datasets\.mine\.validation: a split by shares has no validation images"),
        ({"split": "official"}, r"^datasets\.mine\.split: 'official' is not defined \(have: given\)"),
    ],
)
def test_a_folder_that_is_not_there_is_refused_before_the_first_job(config, root, keys, sentence):
    config["datasets"]["mine"] = entry_of(root) | keys
    with pytest.raises(ConfigError, match=sentence):
        Matrix(config)


def test_a_folder_without_pictures_is_refused_before_the_first_job(config, tmp_path):
    config["datasets"]["mine"] = entry_of(tmp_path)
    with pytest.raises(ConfigError, match=r"^datasets\.mine: .*holds no picture where two classes are the least"):
        Matrix(config)


def test_a_share_of_0_makes_all_of_a_folder_train_images(root, tmp_path):
    data = prepared(root, tmp_path, split={"test": 0})
    assert (len(data.parts["train"]), data.parts["test"]) == (25, [])
    data.write("test", tmp_path / "test.parquet")
    test = read_test_table(tmp_path / "test.parquet")
    data.write("train", tmp_path / "train.parquet")
    assert (len(test), test.schema.names) == (0, read_table(tmp_path / "train.parquet").schema.names)


def test_given_folders_may_be_train_alone(tmp_path):
    root = put(tmp_path / "given", *[f"train/{name}/{i}.jpg" for name in "ab" for i in range(3)])
    assert len(prepared(root, tmp_path, split="given").parts["train"]) == 6


def test_a_share_that_leaves_no_test_image_is_still_refused(tmp_path):
    root = put(tmp_path / "few", "a/0.jpg", "b/0.jpg")
    with pytest.raises(ValueError, match="mine: validation holds no image"):
        prepared(root, tmp_path, split={"test": 0.2})
    assert prepared(root, tmp_path, split={"test": 0}).parts["validation"] == []


def test_splits_without_a_test_image_are_compared_for_duplicates():
    nothing = image_rows([], [], [])
    assert find_duplicates({"train": signatures(nothing), "test": signatures(nothing)}, distance=8).empty


@pytest.fixture
def untested(config, root):
    config["datasets"]["mine"] = entry_of(root, split={"test": 0})
    return config


def test_a_folder_without_test_images_can_be_planned_and_redrawn_whole(untested):
    untested["chunk"] = 5
    assert Matrix(untested).shards("mine") == 5


@pytest.mark.parametrize("sizes", [{}, {"train": 25, "classes": 3}])
@pytest.mark.parametrize(("kind", "name"), [("tables", "table3"), ("figures", "figure_cost")])
def test_training_on_a_folder_without_test_images_is_refused_in_one_sentence(untested, kind, name, sizes):
    untested["datasets"]["mine"] |= sizes
    untested[kind][name]["datasets"] = ["pets", "mine"]
    untested["tables"]["table3"].pop("instead")
    with pytest.raises(ConfigError) as refused:
        Matrix(untested)
    assert str(refused.value) == (
        f"{kind}.{name}.datasets: 'mine' has no test images, so nothing can be trained on it and measured; give "
        "datasets.mine.split a share of test, or only redraw it (snakemake augment)"
    )


def test_a_given_split_with_train_alone_is_not_trained_on(config, tmp_path):
    root = put(tmp_path / "given", *[f"train/{name}/{i}.jpg" for name in "ab" for i in range(3)])
    config["datasets"]["mine"] = entry_of(root, split="given")
    Matrix(config)
    config["tables"]["table4"]["datasets"] = ["mine"]
    with pytest.raises(ConfigError, match=r"^tables\.table4\.datasets: 'mine' has no test images"):
        Matrix(config)


@pytest.mark.parametrize(("validation", "folders"), [("official", ["train", "test"]), (0.1, ["train", "val", "test"])])
def test_validation_images_that_are_not_where_they_should_be_are_refused_before_the_first_job(
    config, tmp_path, validation, folders
):
    root = put(tmp_path / "given", *[f"{split}/{name}/{i}.jpg" for split in folders for name in "ab" for i in range(3)])
    config["datasets"]["mine"] = entry_of(root, split="given", validation=validation)
    with pytest.raises(ConfigError, match=r"^datasets\.mine\.validation: .* has (no|a folder of) validation image"):
        Matrix(config)
