import dataclasses
import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
import timm
import torch
from diffusers import AutoencoderKL, StableDiffusionInstructPix2PixPipeline, StableDiffusionPipeline
from PIL import Image
from safetensors.torch import load_file
from transformers import AutoTokenizer, BlipForConditionalGeneration, BlipProcessor, T5ForConditionalGeneration

from sgid.miniature import (
    PARTS,
    autoencoder,
    captioner,
    classifiers,
    contrastive,
    diffusion,
    instructor,
    sentences,
    world,
)
from sgid.miniature.fit import Recipe, draw_pool, fingerprint, fit, rate_at, to_tensor
from sgid.miniature.parts import TRAINERS, install

torch.set_num_threads(1)
HOME = Path(__file__).parents[2] / "resources" / "miniature"
VAE = HOME / "stable_diffusion" / "vae"
CLIP_SETTINGS = contrastive.SETTINGS | {"text_cfg": contrastive.TEXT | {"vocab_size": 247}}
INPUTS = {
    "vae": (autoencoder.RECIPE, autoencoder.SETTINGS),
    "stable_diffusion": (diffusion.RECIPE, diffusion.SETTINGS),
    "instruct_pix2pix": (instructor.RECIPE, instructor.SETTINGS),
    "blip": (captioner.RECIPE, captioner.SETTINGS),
    "clip": (contrastive.RECIPE, CLIP_SETTINGS),
    "t5": (sentences.RECIPE, sentences.SETTINGS),
    "vit": (classifiers.VIT_RECIPE, classifiers.VIT),
    "evaluator": (classifiers.EVALUATOR_RECIPE, classifiers.EVALUATOR),
}


def train(home: Path, part: str, *, steps: int, vae: Path, batch: int = 8, seed: int | None = None) -> Path:
    recipe = INPUTS[part][0]
    recipe = dataclasses.replace(recipe, steps=steps, batch=batch, pool=128, seed=recipe.seed if seed is None else seed)
    folder = home / part
    folder.mkdir(parents=True)
    before = {"stable_diffusion": [vae], "instruct_pix2pix": [HOME / "stable_diffusion"]}.get(part, [])
    TRAINERS[part](folder, *before, recipe=recipe)
    return folder


@pytest.fixture(scope="module")
def vae(tmp_path_factory):
    return train(tmp_path_factory.mktemp("first"), "vae", steps=2, vae=Path())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Each tiny model after a few more than the hundred steps of one entry in its log.

    The diffusion model learns on the committed autoencoder: the latents of a new one are noise.
    """
    home, steps = tmp_path_factory.mktemp("trained"), {"stable_diffusion": 60}
    return {part: train(home, part, steps=steps.get(part, 110), vae=VAE) for part in PARTS}


def losses(folder: Path) -> list[float]:
    return [float(line.split(",")[1]) for line in (folder / "log.csv").read_text().splitlines()[1:]]


def quality_of(folder: Path) -> dict[str, float]:
    return json.loads((folder / "model.json").read_text())["quality"]


def weights(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.safetensors"))}


def some_pictures(count: int) -> torch.Tensor:
    return to_tensor(world.draw(np.random.default_rng(5), count, target_share=0.0).images)


def test_every_part_has_a_trainer():
    assert set(PARTS) == set(TRAINERS) == set(INPUTS)


@pytest.mark.slow
@pytest.mark.parametrize("part", [part for part in PARTS if "diffusion" not in part and "pix2pix" not in part])
def test_a_tiny_model_learns(trained, part):
    first, last = losses(trained[part])
    assert last < 0.95 * first


@pytest.mark.slow
def test_the_tiny_diffusion_model_learns(trained, tmp_path):
    # Its loss differs more between steps and noises than it falls in so few steps; on held-out pictures both are equal.
    start = train(tmp_path, "stable_diffusion", steps=1, vae=VAE)
    before, after = (quality_of(folder)["velocity_loss_web"] for folder in (start, trained["stable_diffusion"]))
    assert after < 0.98 * before


@pytest.mark.parametrize("part", PARTS)
def test_the_same_seed_trains_the_same_weights(tmp_path, vae, part):
    one, two = (weights(train(tmp_path / name, part, steps=2, vae=vae)) for name in ("one", "two"))
    assert one
    assert one == two


def test_another_seed_trains_other_weights(tmp_path, vae):
    one, two = (weights(train(tmp_path / str(seed), "t5", steps=2, vae=vae, seed=seed)) for seed in (1, 2))
    assert one != two


@pytest.mark.parametrize("part", PARTS)
def test_a_tiny_model_records_what_it_was_made_of(trained, part):
    record = json.loads((trained[part] / "model.json").read_text())
    assert record["miniature"] is True
    assert record["input_sha256"] == fingerprint(Recipe(**record["recipe"]), record["settings"])


def test_the_autoencoder_opens_in_diffusers(trained):
    model = AutoencoderKL.from_pretrained(trained["vae"])
    with torch.no_grad():
        latents = model.encode(some_pictures(2)).latent_dist.mean
        assert latents.shape == (2, 4, 8, 8)
        assert model.decode(latents).sample.shape == (2, 3, 32, 32)


@torch.no_grad()
def test_the_latents_have_zero_mean_and_unit_variance(trained):
    # The pool of `train`, on which they were normalised.
    pool = draw_pool(dataclasses.replace(autoencoder.RECIPE, pool=128))
    posterior = AutoencoderKL.from_pretrained(trained["vae"]).encode(to_tensor(pool.images)).latent_dist
    variance = posterior.mean.var((0, 2, 3)) + posterior.var.mean((0, 2, 3))
    assert posterior.mean.mean((0, 2, 3)).abs().max() < 1e-3
    assert (variance - 1).abs().max() < 1e-3


@torch.no_grad()
def test_normalising_the_latents_leaves_the_decoded_picture():
    torch.manual_seed(0)
    model = AutoencoderKL(**autoencoder.SETTINGS)
    picture = some_pictures(16)
    before = model.decode(model.encode(picture).latent_dist.mean).sample
    autoencoder.normalise_latents(model, picture)
    after = model.decode(model.encode(picture).latent_dist.mean).sample
    assert torch.allclose(before, after, atol=1e-5)


def test_the_pipeline_opens_in_diffusers_and_draws(trained):
    pipeline = StableDiffusionPipeline.from_pretrained(trained["stable_diffusion"], dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    picture = pipeline("a picture of a star", num_inference_steps=2, height=32, width=32).images[0]
    assert picture.size == (32, 32)


def test_the_editor_opens_in_diffusers_and_edits(trained):
    pipeline = StableDiffusionInstructPix2PixPipeline.from_pretrained(
        trained["instruct_pix2pix"], safety_checker=None, dtype=torch.float32
    )
    pipeline.set_progress_bar_config(disable=True)
    picture = Image.fromarray(world.draw(np.random.default_rng(5), 1, target_share=0.0).images[0])
    assert pipeline("make the background plain cyan", image=picture, num_inference_steps=2).images[0].size == (32, 32)


def test_a_pair_has_one_shape_and_two_backgrounds():
    recipe = dataclasses.replace(instructor.RECIPE, pool=200)
    originals, edited = instructor.draw_pairs(b"pairs", 200, recipe, target_share=0.0)
    for field in ("shape", "scale", "colour"):
        assert np.array_equal(originals.fields[field], edited.fields[field])
    assert (originals.fields["background"] != edited.fields["background"]).mean() > 0.6
    inside = originals.masks == 1
    assert np.array_equal(originals.images[inside], edited.images[inside])


def test_a_widened_unet_begins_where_the_other_one_ended():
    unet = StableDiffusionPipeline.from_pretrained(HOME / "stable_diffusion", safety_checker=None).unet.float()
    wide = instructor.widened(unet)
    latents, prompt, step = torch.randn(2, 4, 8, 8), torch.randn(2, 77, 64), torch.tensor([5, 500])
    with torch.no_grad():
        beside = instructor.Beside(wide, torch.randn(2, 4, 8, 8))(latents, step, prompt).sample
        assert torch.allclose(beside, unet(latents, step, prompt).sample, atol=1e-5)


def test_the_committed_editor_brings_pictures_nearer_to_what_was_asked_for():
    quality = quality_of(HOME / "instruct_pix2pix")
    for style in ("web", "target"):
        assert quality[f"error_of_edits_{style}"] < quality[f"error_of_originals_{style}"]


def test_the_captioner_opens_in_transformers_and_writes(trained):
    processor = BlipProcessor.from_pretrained(trained["blip"])
    model = BlipForConditionalGeneration.from_pretrained(trained["blip"])
    images = list(world.draw(np.random.default_rng(5), 2, target_share=0.0).images)
    tokens = model.generate(**processor(images=images, return_tensors="pt"), max_new_tokens=5)
    assert len(processor.batch_decode(tokens, skip_special_tokens=True)) == 2


def test_the_captioners_processor_makes_the_pixels_of_its_training(tmp_path):
    images = world.draw(np.random.default_rng(5), 4, target_share=0.5).images
    pixels = captioner.save_processor(tmp_path)(images=list(images), return_tensors="pt").pixel_values
    assert torch.allclose(pixels, to_tensor(images), atol=1e-6)


def test_the_prefix_is_no_target_of_the_captioner(tmp_path):
    tokenizer = captioner.bert_tokenizer(tmp_path)
    tokens, labels = captioner.caption_tokens(tokenizer, ["a red star", "a small red star"])
    said = [tokenizer.decode(row[row >= 0]) for row in labels]
    assert said == ["a red star [SEP]", "a small red star [SEP]"]
    assert tokens[:, 0].tolist() == [tokenizer.bos_token_id] * 2


def test_clip_opens_in_open_clip(trained):
    name = f"local-dir:{trained['clip']}"
    model, preprocess = open_clip.create_model_from_pretrained(name)
    tokens = open_clip.get_tokenizer(name)(["a red star"])
    with torch.no_grad():
        assert model.encode_text(tokens).shape == (1, contrastive.WIDTH)
        assert model.encode_image(some_pictures(3)).shape == (3, contrastive.WIDTH)
    assert "Normalize" in str(preprocess)


def test_what_is_also_true_of_another_picture_is_no_negative():
    cosine = torch.tensor([[0.3, 0.3], [0.0, 0.3]])
    false, true = torch.eye(2).bool(), torch.ones(2, 2).bool()
    assert contrastive.contrastive_loss(cosine, true) < contrastive.contrastive_loss(cosine, false)


def test_the_writer_opens_in_transformers(trained):
    model, tokenizer = (cls.from_pretrained(trained["t5"]) for cls in (T5ForConditionalGeneration, AutoTokenizer))
    tokens = model.generate(**tokenizer(["a star"], return_tensors="pt"), max_new_tokens=4)
    assert tokenizer.unk_token not in tokenizer.decode(tokens[0])


def test_the_examples_of_the_writer_name_their_class():
    keywords, texts = sentences.examples(dataclasses.replace(sentences.RECIPE, pool=50))
    assert all(keyword.split()[1] in text.split() for keyword, text in zip(keywords, texts, strict=True))


def test_the_vit_opens_in_timm(trained):
    options = {name: value for name, value in classifiers.VIT.items() if name != "model"}
    model = timm.create_model(classifiers.VIT["model"], num_classes=0, **options)
    model.load_state_dict(load_file(trained["vit"] / "model.safetensors"))
    assert model(some_pictures(2)).shape == (2, 64)


def test_the_evaluator_opens_and_sees_one_of_the_shapes(trained):
    evaluator = classifiers.load_evaluator(trained["evaluator"])
    images = world.draw(np.random.default_rng(5), 6, target_share=0.0).images
    assert set(classifiers.shapes_seen(evaluator, images)) <= set(range(len(world.SHAPES)))
    assert not evaluator.training


def test_the_learning_rate_warms_up_and_falls_to_nothing():
    rates = [rate_at(step / 100) for step in range(101)]
    assert rates[0] < 0.05
    assert max(rates) == max(rates[4:8])
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_fitting_ends_at_the_moving_average_where_one_is_kept():
    def distance(ema: float) -> float:
        weight = torch.nn.Parameter(torch.ones(1))
        recipe = Recipe(steps=20, batch=1, learning_rate=0.1, seed=0, pool=4, ema=ema)
        fit([weight], lambda rows, generator: weight.square().sum(), recipe)
        return weight.item()

    assert distance(0.0) < distance(0.999) < 1


def test_another_recipe_or_setting_has_another_fingerprint():
    recipe, settings = INPUTS["t5"]
    others = [
        fingerprint(recipe, settings),
        fingerprint(dataclasses.replace(recipe, seed=99), settings),
        fingerprint(recipe, settings | {"d_model": 65}),
    ]
    assert len(set(others)) == 3


def test_of_the_autoencoder_alone_the_record_is_installed(tmp_path, vae):
    install([vae], tmp_path)
    assert sorted(path.name for path in (tmp_path / "vae").iterdir()) == ["log.csv", "model.json"]


def test_a_model_is_installed_with_its_weights(tmp_path, trained):
    install([trained["t5"]], tmp_path)
    assert (tmp_path / "t5" / "model.safetensors").exists()


@pytest.mark.parametrize("part", PARTS)
def test_a_committed_model_was_made_of_todays_recipe_settings_and_pictures(part):
    record = json.loads((HOME / part / "model.json").read_text())
    assert record["input_sha256"] == fingerprint(*INPUTS[part])


def test_the_committed_models_are_small():
    size = sum(path.stat().st_size for path in HOME.rglob("*") if path.is_file())
    assert size < 17e6
