"""Every model as its repository lays it out, fetched or linked, then read by the loaders that the stages use."""

from pathlib import Path

import pytest
from model_hub import KEPT, NAME, entry, fetched, held
from real_layouts import (
    blip_repository,
    clip_repository,
    diffusion_repository,
    t5_repository,
    vit_repository,
)

from sgid.backbones import Backbone, build_backbone
from sgid.captions import load_captioner
from sgid.generators.denoising import load_diffusion
from sgid.runtime import write_json
from sgid.sentences import load_writer
from sgid.similarity import load_clip
from sgid.weights import fetch_model

VIT = ("vit_tiny_patch16_224", {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 2, "num_heads": 2})


def load_vit(record: Path):
    shape = {"name": VIT[0], "options": VIT[1], "exchange_after": "patch_embed", "weights": "vit", "library": "timm"}
    view = {"resize": 32, "crop": 32, "size": 32, "mean": [0.5] * 3, "std": [0.5] * 3}
    recipe = {"optimizer": "adamw", "learning_rate": 0.1, "weight_decay": 0.0, "epochs": 1, "batch_size": 8}
    backbone = Backbone.from_config(shape | {"view": view, "recipe": recipe})
    return build_backbone(backbone, 3, weights_folder=record.parent, seed=0)


def load_tower(record: Path):
    return load_clip(record).model.visual


KINDS = {
    "blip": ("transformers", blip_repository, load_captioner),
    "clip": ("open_clip", clip_repository, load_tower),
    "t5": ("transformers", t5_repository, load_writer),
    "vit": ("timm", lambda path: vit_repository(path, *VIT), load_vit),
    "stable_diffusion": ("diffusers", diffusion_repository, load_diffusion),
    "instruct_pix2pix": ("diffusers", lambda path: diffusion_repository(path, channels=8), load_diffusion),
}
FETCHED = {
    "blip": [
        *("config.json", "generation_config.json", "model.safetensors", "preprocessor_config.json"),
        *("tokenizer.json", "tokenizer_config.json", "vocab.txt"),
    ],
    "clip": ["open_clip_config.json", "open_clip_model.safetensors", "tokenizer.json", "tokenizer_config.json"],
    "t5": ["config.json", "model.safetensors", "special_tokens_map.json", "spiece.model", "tokenizer_config.json"],
    "vit": ["config.json", "model.safetensors"],
    "stable_diffusion": [
        *("feature_extractor/preprocessor_config.json", "model_index.json", "scheduler/scheduler_config.json"),
        *("text_encoder/config.json", "text_encoder/model.safetensors"),
        *("tokenizer/merges.txt", "tokenizer/tokenizer_config.json", "tokenizer/vocab.json"),
        *("unet/config.json", "unet/diffusion_pytorch_model.safetensors"),
        *("vae/config.json", "vae/diffusion_pytorch_model.safetensors"),
    ],
}


@pytest.fixture(scope="module")
def repositories(tmp_path_factory):
    return {kind: make(tmp_path_factory.mktemp(kind)) for kind, (_, make, _) in KINDS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_fetched_is_what_the_stages_load_and_nothing_else(kind, repositories, hub, model_folder):
    library, _, load = KINDS[kind]
    hub.add(NAME, repositories[kind])
    record = fetched(hub, model_folder, library=library)
    assert sorted(hub.fetched) == sorted(record["files"]) == sorted(held(model_folder))
    assert sorted(record["files"]) == FETCHED.get(kind, FETCHED["stable_diffusion"])
    write_json(record, model_folder / "model.json")
    assert load(model_folder / "model.json")


def test_a_tokenizer_that_is_only_a_sentencepiece_model_is_read(repositories, hub, model_folder):
    hub.add(NAME, repositories["t5"])
    fetched(hub, model_folder)
    _, tokenizer = load_writer(model_folder / "model.json")
    assert tokenizer.decode(tokenizer("a small circle").input_ids, skip_special_tokens=True) == "a small circle"


def test_the_normalisation_of_a_sentencepiece_model_is_read_with_it(repositories, hub, model_folder):
    hub.add(NAME, repositories["t5"])
    fetched(hub, model_folder)
    _, tokenizer = load_writer(model_folder / "model.json")
    assert tokenizer("a ｓmall ｃircle").input_ids == tokenizer("a small circle").input_ids


def test_the_library_is_told_by_the_files_where_none_is_configured(repositories, hub, model_folder):
    for kind in ("stable_diffusion", "clip", "blip"):
        hub.add(f"owner/{kind}", repositories[kind])
        record = fetched(hub, model_folder.parent / kind, id=f"owner/{kind}")
        assert (record["library"], sorted(record["files"])) == (KINDS[kind][0], FETCHED[kind])


def test_a_variant_is_kept_under_the_names_that_loaders_read(repositories, hub, model_folder):
    hub.add(NAME, repositories["stable_diffusion"])
    record = fetched(hub, model_folder, variant="fp16")
    assert "unet/diffusion_pytorch_model.fp16.safetensors" in hub.fetched
    assert sorted(record["files"]) == sorted(held(model_folder)) == FETCHED["stable_diffusion"]


@pytest.fixture
def own(tmp_path, repositories):
    """A folder of one's own: what a user saved, with no record."""
    for name, data in repositories["blip"].items():
        (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "own" / name).write_bytes(data)
    return tmp_path / "own"


def test_a_folder_of_ones_own_is_described_and_linked(model_folder, own):
    before = sorted(own.rglob("*"))
    record = fetch_model("blip", entry(folder=str(own), sha256={"config.json": "0" * 64}), model_folder)
    assert sorted(record["files"]) == sorted(held(model_folder)) == FETCHED["blip"]
    assert [record[key] for key in ("id", "commit", "revision", "miniature")] == [None, None, None, False]
    assert all((model_folder / name).is_symlink() for name in record["files"])
    assert sorted(own.rglob("*")) == before
    write_json(record, model_folder / "model.json")
    assert load_captioner(model_folder / "model.json")


def test_a_download_takes_the_place_of_the_links_to_ones_own(hub, model_folder, own):
    fetch_model("blip", entry(folder=str(own)), model_folder)
    fetched(hub, model_folder)
    assert held(model_folder) == KEPT
    assert not any(path.is_symlink() for path in model_folder.rglob("*"))
