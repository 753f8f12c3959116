import json

import numpy as np
import pytest
import timm
import tiny_models
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from sgid.consistency import measure_method
from sgid.image_encoders import TimmFeatures, load_image_encoder, load_timm
from sgid.similarity import BlipContrast, Clip


@pytest.fixture(scope="module")
def dino(tmp_path_factory):
    """A tiny ViT in the layout of a timm model on the hub; its record."""
    folder = tmp_path_factory.mktemp("dino")
    options = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": 0}
    torch.manual_seed(3)
    save_file(timm.create_model("vit_tiny_patch16_224", **options).state_dict(), folder / "model.safetensors")
    look = {"input_size": [3, 32, 32], "mean": [0.5] * 3, "std": [0.25] * 3, "crop_pct": 1.0, "num_classes": 0}
    about = {"architecture": "vit_tiny_patch16_224", "num_classes": 0, "model_args": options, "pretrained_cfg": look}
    (folder / "config.json").write_text(json.dumps(about))
    return tiny_models.record(folder)


@pytest.mark.parametrize(
    ("save", "kind"), [(tiny_models.save_clip, Clip), (tiny_models.save_blip_retrieval, BlipContrast)]
)
def test_the_files_in_a_folder_say_which_encoder_it_is(tmp_path, save, kind):
    assert isinstance(load_image_encoder(save(tmp_path)), kind)


def test_a_timm_folder_is_a_feature_extractor_named_after_it(dino):
    encoder = load_image_encoder(dino, batch_size=7)
    assert isinstance(encoder, TimmFeatures)
    assert (encoder.name, encoder.batch_size) == (dino.parent.name, 7)


def test_a_folder_that_describes_no_network_is_refused(tmp_path):
    record = tiny_models.record(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"neither open_clip_config\.json nor config\.json says what network"):
        load_image_encoder(record)


def test_features_are_the_networks_own_of_its_own_view_of_a_picture(dino):
    encoder, picture = load_timm(dino), Image.fromarray(tiny_models.random_pictures(1, size=48)[0])
    pixels = torch.from_numpy(np.asarray(picture.resize((32, 32), Image.BICUBIC)).copy()).float() / 255
    with torch.inference_mode():
        expected = encoder.model(((pixels - 0.5) / 0.25).permute(2, 0, 1)[None])
    expected = torch.nn.functional.normalize(expected, dim=-1)
    torch.testing.assert_close(encoder.encode_images([picture]), expected, atol=2e-2, rtol=0)


def test_weights_come_from_the_folder(dino):
    states, saved = load_timm(dino).model.state_dict(), load_file(dino.parent / "model.safetensors")
    assert all(torch.equal(states[name], saved[name]) for name in saved)


def test_a_timm_network_measures_consistency_as_clip_does(dino):
    rows = measure_method(
        load_timm(dino), tiny_models.picture_table(4), images=[], choice=[], online={"randaugment": {}}, size=32,
        replicates=2, names={0: "cat", 1: "dog"}, base_seed=0,
    )  # fmt: skip
    whole = rows.set_index("class_name").loc["all"]
    assert whole["mean_cosine"] < 0.9999
    assert whole["diversity"] > 0
