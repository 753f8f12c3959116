import os

import pytest

from sgid.model_files import LAYOUTS, MissingFilesError, files_of, library_of, names_in
from sgid.model_registry import identity, record_of
from sgid.references import ConfigError

ENTRY = {"id": "owner/model", "revision": "v1", "library": "transformers"}
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".msgpack", ".h5", ".onnx", ".py")


def own(tmp_path, *names: str):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"{}")
    return {"folder": str(tmp_path)}


@pytest.mark.parametrize("library", LAYOUTS)
def test_no_layout_has_pickled_weights_or_code(library):
    layout = LAYOUTS[library]
    assert not [name for name in (*layout.required, *layout.optional) if name.endswith(PICKLED)]


@pytest.mark.parametrize(
    ("names", "library"),
    [
        (["model_index.json", "unet/config.json", "config.json"], "diffusers"),
        (["open_clip_config.json", "config.json", "model.safetensors"], "open_clip"),
        (["config.json", "model.safetensors"], "transformers"),
    ],
)
def test_a_library_is_known_by_its_files(names, library):
    assert library_of(names) == library


def test_files_that_may_be_missing_are_taken_where_they_are():
    names = ["model.safetensors", "config.json", "vocab.txt", "training_args.bin"]
    assert set(files_of(None, names)) == {"model.safetensors", "config.json", "vocab.txt"}


def test_a_variant_is_read_under_the_plain_name():
    files = files_of("timm", ["model.safetensors", "model.fp16.safetensors"], "fp16")
    assert files == {"model.safetensors": "model.fp16.safetensors"}


def test_what_is_missing_is_named_with_the_pickled_files_in_its_place():
    sentence = r"^has no open_clip_model\.safetensors \(it has weights\.bin, pickled, which is never fetched"
    with pytest.raises(MissingFilesError, match=sentence):
        files_of(None, ["open_clip_config.json", "weights.bin", "unet/other.bin"])


def test_hidden_files_of_a_folder_are_passed_over(tmp_path):
    own(tmp_path, "config.json", ".plan.json", "unet/config.json", "unet/.part", ".cache/config.json")
    assert names_in(tmp_path) == ["config.json", "unet/config.json"]


def test_a_download_has_its_record_under_resources():
    assert record_of("blip", ENTRY) == "resources/models/blip/model.json"


def test_a_folder_with_a_record_is_read_where_it_is(tmp_path):
    assert record_of("blip", ENTRY | own(tmp_path, "model.json")) == str(tmp_path / "model.json")


def test_a_folder_without_a_record_is_described_under_resources(tmp_path):
    assert record_of("blip", ENTRY | own(tmp_path, "config.json")) == "resources/models/blip/model.json"


def test_a_model_is_what_is_pinned_and_not_where_it_comes_from():
    assert identity("blip", ENTRY | {"successors": [{"id": "a/b", "revision": "v1"}]}) == ENTRY


def test_a_folder_is_its_files_wherever_it_lies(tmp_path):
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        own(tmp_path / place, "config.json", "model.safetensors", "notes.txt")
        for path in (tmp_path / place).iterdir():
            os.utime(path, (5, 5))
    one, two = ({"folder": str(tmp_path / place)} for place in ("one", "two"))
    assert (
        identity("blip", one)
        == identity("blip", two)
        == {"files": {"config.json": [2, 5], "model.safetensors": [2, 5]}}
    )
    os.utime(tmp_path / "two/notes.txt", (9, 9))
    assert identity("blip", one) == identity("blip", two)
    os.utime(tmp_path / "two/config.json", (9, 9))
    assert identity("blip", one) != identity("blip", two)


def test_a_folder_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match=r"^models\.blip\.folder: there is no folder /no/where; correct the path$"):
        identity("blip", {"folder": "/no/where"})


def test_a_folder_without_safetensors_is_refused(tmp_path):
    entry = own(tmp_path, "config.json", "pytorch_model.bin")
    sentence = (
        r"^models\.blip\.folder: .* has no model\.safetensors \(it has pytorch_model\.bin, .*; put the files there"
    )
    with pytest.raises(ConfigError, match=sentence):
        identity("blip", entry)
