"""Backbones from registry entries: the shipped registry, weights from folders, probes, and seeds."""

import json
from pathlib import Path

import open_clip
import pytest
import timm
import torch
import yaml
from safetensors.torch import save_file

from sgid.backbones import Backbone, build_backbone, for_size, weights_folder_of
from sgid.mixing import MoEx

REGISTRY = yaml.safe_load(Path("config/backbones.yaml").read_text(encoding="utf-8"))["backbones"]
VIEW = {"resize": 32, "crop": 32, "size": 32, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
RECIPE = {"optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 0.0, "epochs": 1, "batch_size": 8}
RESNET = {
    "library": "timm",
    "name": "resnet10t",
    "options": {"channels": [8, 8, 16, 16], "stem_width": 8},
    "exchange_after": "maxpool",
    "view": VIEW,
    "recipe": RECIPE,
}
VIT = RESNET | {
    "name": "vit_tiny_patch16_224",
    "options": {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 2, "num_heads": 2},
    "exchange_after": "patch_embed",
    "weights": "vit_of_the_test",
}
CLIP = RESNET | {
    "library": "open_clip",
    "name": "clip_of_the_test",
    "options": {},
    "exchange_after": "conv1",
    "weights": "clip_of_the_test",
    "train": "head",
}
CLIP_CONFIG = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 16, "head_width": 8, "patch_size": 8},
    "text_cfg": {"context_length": 8, "vocab_size": 32, "width": 16, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def vit_folder(tmp_path_factory):
    """Weights in timm's names, with the head of a pre-training task of 50 classes."""
    folder = tmp_path_factory.mktemp("vit")
    torch.manual_seed(3)
    network = timm.create_model(VIT["name"], num_classes=50, **VIT["options"])
    save_file(network.state_dict(), folder / "model.safetensors")
    return folder


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(4)
    preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3}
    config = {"model_cfg": CLIP_CONFIG, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    save_file(open_clip.CLIP(**CLIP_CONFIG).state_dict(), folder / "open_clip_model.safetensors")
    return folder


def build(entry, folder=None, *, seed=0, classes=5):
    return build_backbone(Backbone.from_config(entry), classes, weights_folder=folder, seed=seed)


def noise(count=4, side=32):
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(1))


def test_the_shipped_registry_holds_the_three_backbones_of_the_paper():
    assert {entry["paper_name"] for entry in REGISTRY.values()} == {"ResNet-50", "ViT", "CLIP-ViT"}
    assert all(Backbone.from_config(entry, image_size=size) for entry in REGISTRY.values() for size in (32, 224))


@pytest.mark.parametrize("name", ["resnet50", "vit"])
def test_the_shipped_timm_backbones_hold_the_module_behind_which_moex_acts(name):
    with torch.device("meta"):
        network = timm.create_model(REGISTRY[name]["name"], num_classes=0)
    assert network.get_submodule(REGISTRY[name]["exchange_after"])


def test_small_images_values_replace_only_what_they_name():
    general, small = (Backbone.from_config(REGISTRY["resnet50"], image_size=size) for size in (224, 32))
    assert (general.stem, general.view.size, general.recipe.weight_decay) == ("standard", 224, 1e-4)
    assert (small.stem, small.view.size, small.recipe.weight_decay) == ("small", 32, 5e-4)
    assert small.recipe.epochs == general.recipe.epochs
    assert small.view.padding == 4


def test_an_entry_without_small_images_is_the_same_at_every_size():
    assert for_size(RESNET, 32) == for_size(RESNET, 224) == RESNET


def test_the_small_stem_keeps_the_resolution():
    network = build(RESNET | {"name": "resnet18", "options": {}, "stem": "small"})
    assert network.encoder.maxpool(network.encoder.conv1(noise())).shape == (4, 64, 32, 32)


def test_equal_seeds_build_equal_networks_and_leave_the_global_state_alone():
    before = torch.random.get_rng_state()
    first, second, other = build(RESNET, seed=1), build(RESNET, seed=1), build(RESNET, seed=2)
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.head.weight, other.head.weight)


def test_vit_weights_come_from_the_folder_without_their_head(vit_folder):
    network = build(VIT, vit_folder)
    source = timm.create_model(VIT["name"], num_classes=0, **VIT["options"])
    state = source.state_dict()
    torch.manual_seed(3)
    expected = timm.create_model(VIT["name"], num_classes=50, **VIT["options"]).state_dict()
    assert all(torch.equal(network.encoder.state_dict()[name], expected[name]) for name in state)
    assert network(noise()).shape == (4, 5)


def test_weights_of_another_architecture_are_refused(vit_folder):
    deeper = VIT | {"options": VIT["options"] | {"depth": 3}}
    with pytest.raises(ValueError, match=r"weights of another architecture \('blocks\.2"):
        build(deeper, vit_folder)


@pytest.mark.parametrize("entry", [VIT, CLIP])
def test_missing_weights_name_the_folder_and_the_next_step(entry, tmp_path):
    with pytest.raises(FileNotFoundError, match=rf"{tmp_path} holds no .*safetensors.*snakemake {tmp_path}/model.json"):
        build(entry, tmp_path)


def test_a_pretrained_backbone_without_a_folder_is_refused():
    with pytest.raises(ValueError, match="needs the weights 'vit_of_the_test'"):
        build(VIT)


def test_an_unknown_library_names_the_legal_ones():
    with pytest.raises(ValueError, match=r"'keras'.*have: timm, open_clip"):
        build(RESNET | {"library": "keras"})


def test_a_probe_trains_its_head_alone(clip_folder):
    network = build(CLIP, clip_folder).train()
    network(noise()).sum().backward()
    assert {name for name, value in network.named_parameters() if value.grad is not None} == {
        "head.weight",
        "head.bias",
    }
    assert not network.encoder.training


def test_clip_is_fine_tuned_by_configuration(clip_folder):
    network = build(CLIP | {"train": "all"}, clip_folder).train()
    before = network.encoder.conv1.weight.detach().clone()
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    for _ in range(2):  # the head is zero at first, and passes no gradient on
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(noise()), torch.arange(4)).backward()
        optimizer.step()
    assert network.encoder.training
    assert not torch.equal(before, network.encoder.conv1.weight)


# By their names alone: one with stages and stochastic depth, one whose features are wider than its last stage.
@pytest.mark.parametrize(
    ("name", "options", "layer", "width"),
    [
        ("convnext_atto", {"depths": [1, 1, 1, 1], "dims": [8, 8, 16, 16], "drop_path_rate": 0.1}, "stem", 16),
        ("mobilenetv3_small_050", {}, "bn1", 1024),
        ("deit_tiny_distilled_patch16_224", {"img_size": 32, "patch_size": 8, "depth": 1}, "patch_embed", 192),
    ],
)
def test_any_network_of_timm_will_do(name, options, layer, width, tmp_path):
    entry = RESNET | {"name": name, "options": options, "exchange_after": layer}
    network = build(entry).eval()
    assert network.head.in_features == width
    assert network(noise()).shape == (4, 5)
    assert network.encoder.get_submodule(layer)
    save_file(timm.create_model(name, num_classes=50, **options).state_dict(), tmp_path / "model.safetensors")
    assert build(entry | {"weights": "of the test"}, tmp_path)(noise()).shape == (4, 5)


def test_probe_features_have_the_length_of_the_root_of_their_width(clip_folder):
    features = build(CLIP, clip_folder).features(noise())
    torch.testing.assert_close(features.norm(dim=1), torch.full((4,), 24**0.5))


def test_a_pretrained_backbone_starts_from_uniform_predictions(clip_folder):
    assert torch.equal(build(CLIP, clip_folder)(noise()), torch.zeros(4, 5))


def test_an_unknown_module_for_moex_names_the_key_and_the_known_ones():
    sentence = r"^exchange_after: the network has no module 'maxpol' \(have: conv1, .*maxpool"
    with pytest.raises(ValueError, match=sentence):
        build(RESNET).layer("maxpol")


@pytest.mark.parametrize("name", ["resnet", "vit", "clip"])
def test_moex_reaches_into_every_family(name, vit_folder, clip_folder):
    entry, folder = {"resnet": (RESNET, None), "vit": (VIT, vit_folder), "clip": (CLIP, clip_folder)}[name]
    network = build(entry, folder).eval()
    layer = network.layer(entry["exchange_after"])
    shapes = []
    layer.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape)))
    with MoEx(probability=1.0)(noise(), torch.eye(4), torch.Generator().manual_seed(0), layer=layer):
        exchanged = network.features(noise())
    assert not torch.allclose(exchanged, network.features(noise()))
    # 16 patch tokens of 16 entries: the class token is not among them.
    assert shapes[0] == {"resnet": (4, 16, 8, 8), "vit": (4, 16, 16), "clip": (4, 16, 4, 4)}[name]


def test_the_weights_folder_is_the_parent_of_the_model_file():
    assert weights_folder_of(["resources/models/vit/model.json"]) == Path("resources/models/vit")
    assert weights_folder_of([]) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"name": "resnet5O"},
            r"^timm has no network 'resnet5O' \(near it: .*resnet50.*\); correct the backbone's name$",
        ),
        (
            {"options": {"chanels": [8]}},
            r"^backbone 'resnet10t': timm refuses its options \(.*chanels.*\); correct them$",
        ),
        ({"library": "open_clip", "name": "ViT-B-33"}, r"^open_clip has no network 'ViT-B-33' \(near it: ViT-B-32"),
    ],
    ids=["name", "options", "open_clip"],
)
def test_a_network_that_its_library_does_not_know_is_refused_in_one_sentence(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        build_backbone(Backbone.from_config(RESNET | change), 2, weights_folder=None, seed=0)
