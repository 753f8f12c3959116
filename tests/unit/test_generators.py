"""The generators against diffusers' own pipelines, on tiny random models."""

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tiny_models
import torch
from diffusers import (
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInstructPix2PixPipeline,
    StableDiffusionPipeline,
)
from PIL import Image

from sgid.generators import GENERATORS
from sgid.generators.batches import Engine, stored
from sgid.generators.denoising import (
    COMPILERS,
    SCHEDULERS,
    Batch,
    Sampling,
    finished,
    fresh_scheduler,
    last_timesteps,
    load_diffusion,
)
from sgid.generators.drawing import SetName
from sgid.generators.engine import draw_images
from sgid.generators.generation import Generation
from sgid.generators.packs import open_packs
from sgid.guidance import Guidance
from sgid.image_table import pixels_of
from sgid.prompts import PromptRecipe, build_prompts
from sgid.weighting import Weighting

HOW = Sampling(steps=8, strength=0.5)
PROMPT = "a cat"


@pytest.fixture(scope="module", params=["pndm", "ddim"])
def folder(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    tiny_models.save_diffusion(folder, scheduler=request.param)
    return folder


@pytest.fixture(scope="module")
def model(folder):
    return load_diffusion(folder / tiny_models.RECORD)


@pytest.fixture(scope="module")
def editor(tmp_path_factory):
    folder = tmp_path_factory.mktemp("editor")
    tiny_models.save_diffusion(folder, channels=8)
    return folder


@pytest.fixture(scope="module")
def pndm_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pndm")
    tiny_models.save_diffusion(folder)
    return folder


@pytest.fixture(scope="module")
def pndm(pndm_folder):
    return load_diffusion(pndm_folder / tiny_models.RECORD)


def embed(model, prompt: str) -> torch.Tensor:
    ids = model.tokenizer(prompt, padding="max_length", max_length=77, return_tensors="pt").input_ids
    with torch.inference_mode():
        return model.text_encoder(ids).last_hidden_state


def batch_of(model, guidance: list[float], *, first: int = 0, prompt: str = PROMPT) -> Batch:
    """One picture for each guidance scale; picture i has its own original and the seed i."""
    rows = range(first, first + len(guidance))
    return Batch(
        originals=tiny_models.random_pictures(8)[rows.start : rows.stop],
        prompts=embed(model, prompt).expand(len(guidance), -1, -1),
        empty_prompt=embed(model, ""),
        guidance=torch.tensor(guidance),
        generators=[torch.Generator().manual_seed(row) for row in rows],
    )


def drawn(name: str, model, batch: Batch, how: Sampling = HOW) -> np.ndarray:
    with torch.inference_mode():
        return GENERATORS[name](model, batch, how).images


def levels_apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference in grey levels; one level may come from rounding."""
    return np.abs(ours.astype(float) - (theirs * 255).round()).max()


def quiet(pipeline):
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def test_img2img_equals_diffusers_pipeline(folder, model):
    batch = batch_of(model, [7.5])
    theirs = quiet(StableDiffusionImg2ImgPipeline.from_pretrained(folder, safety_checker=None))(
        prompt=PROMPT, image=Image.fromarray(batch.originals[0]), strength=HOW.strength, guidance_scale=7.5,
        num_inference_steps=HOW.steps, generator=torch.Generator().manual_seed(0), output_type="np",
    )  # fmt: skip
    assert levels_apart(drawn("img2img", model, batch)[0], theirs.images[0]) <= 1


# diffusers' DPM-Solver hands a tensor to NumPy in a way that NumPy 2 calls outdated.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_named_scheduler_draws_what_diffusers_pipeline_draws_with_it(pndm_folder, name):
    model = load_diffusion(pndm_folder / tiny_models.RECORD, scheduler=name)
    batch = batch_of(model, [7.5])
    pipe = quiet(StableDiffusionImg2ImgPipeline.from_pretrained(pndm_folder, safety_checker=None))
    pipe.scheduler = SCHEDULERS[name].from_config(pipe.scheduler.config)
    theirs = pipe(
        prompt=PROMPT, image=Image.fromarray(batch.originals[0]), strength=HOW.strength, guidance_scale=7.5,
        num_inference_steps=HOW.steps, generator=torch.Generator().manual_seed(0), output_type="np",
    )  # fmt: skip
    assert levels_apart(drawn("img2img", model, batch)[0], theirs.images[0]) <= 1


def test_text2img_equals_diffusers_pipeline(folder, model):
    theirs = quiet(StableDiffusionPipeline.from_pretrained(folder, safety_checker=None))(
        prompt=PROMPT, height=32, width=32, guidance_scale=7.5, num_inference_steps=HOW.steps,
        generator=torch.Generator().manual_seed(0), output_type="np",
    )  # fmt: skip
    assert levels_apart(drawn("text2img", model, batch_of(model, [7.5]))[0], theirs.images[0]) <= 1


def test_instruct_pix2pix_equals_diffusers_pipeline(editor):
    model = load_diffusion(editor / tiny_models.RECORD)
    batch = batch_of(model, [5.0])
    theirs = quiet(StableDiffusionInstructPix2PixPipeline.from_pretrained(editor, safety_checker=None))(
        prompt=PROMPT, image=Image.fromarray(batch.originals[0]), guidance_scale=5.0, image_guidance_scale=1.2,
        num_inference_steps=HOW.steps, generator=torch.Generator().manual_seed(0), output_type="np",
    )  # fmt: skip
    assert levels_apart(drawn("instruct-pix2pix", model, batch)[0], theirs.images[0]) <= 1


def test_instruct_pix2pix_refuses_an_ordinary_checkpoint(pndm):
    with pytest.raises(ValueError, match="8 input channels and this checkpoint has 4"):
        drawn("instruct-pix2pix", pndm, batch_of(pndm, [5.0]))


@pytest.mark.parametrize("name", ["img2img", "text2img"])
def test_a_batch_of_different_images_and_scales_equals_the_images_one_by_one(pndm, name):
    scales = [1.25, 0.84, 1.0, 7.5, 0.0]
    together = drawn(name, pndm, batch_of(pndm, scales))
    alone = [drawn(name, pndm, batch_of(pndm, [scale], first=i))[0] for i, scale in enumerate(scales)]
    assert np.abs(together.astype(int) - np.stack(alone)).max() <= 1


def test_a_second_batch_starts_with_no_memory_of_the_first(pndm):
    first, second = (drawn("img2img", pndm, batch_of(pndm, [1.2])) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("scale", [0.0, 0.5, 0.84])
def test_guidance_below_one_is_not_skipped(pndm, scale):
    at_one = drawn("img2img", pndm, batch_of(pndm, [1.0]), replace(HOW, strength=1.0))
    assert (at_one != drawn("img2img", pndm, batch_of(pndm, [scale]), replace(HOW, strength=1.0))).any()


@torch.inference_mode()
def plain_img2img(model, batch: Batch, how: Sampling) -> np.ndarray:
    """The paper's equations, one picture and one prompt a call of the UNet: e_u + g (e_c - e_u) at every step."""
    scheduler, chance, guidance = fresh_scheduler(model, how.steps), batch.generators[0], float(batch.guidance[0])
    pixels = torch.from_numpy(batch.originals[:1]).permute(0, 3, 1, 2) / 127.5 - 1
    latents = model.vae.encode(pixels).latent_dist.sample(chance) * model.vae.config.scaling_factor
    run = scheduler.timesteps[how.steps - int(how.steps * how.strength) :]
    latents = scheduler.add_noise(latents, torch.randn(latents.shape, generator=chance), run[:1])
    for timestep in run:
        without = model.unet(latents, timestep, encoder_hidden_states=batch.empty_prompt).sample
        with_prompt = model.unet(latents, timestep, encoder_hidden_states=batch.prompts[:1]).sample
        latents = scheduler.step(without + guidance * (with_prompt - without), timestep, latents).prev_sample
    decoded = model.vae.decode(latents / model.vae.config.scaling_factor).sample
    return (decoded / 2 + 0.5).clamp(0, 1)[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("scale", [0.0, 0.5, 0.84, 1.0, 1.25])
def test_every_guidance_scale_follows_the_formula(folder, model, scale):
    ours = drawn("img2img", model, batch_of(model, [scale]))[0]
    assert levels_apart(ours, plain_img2img(model, batch_of(model, [scale]), HOW)) <= 1


@pytest.mark.parametrize(("scale", "prompt"), [(1.0, PROMPT), (7.5, "")], ids=["at a scale of 1", "under no prompt"])
@pytest.mark.parametrize("name", ["img2img", "text2img"])
def test_the_unconditional_half_may_be_left_out_where_it_changes_nothing(pndm, name, scale, prompt):
    whole = batch_of(pndm, [scale] * 2, prompt=prompt)
    half = replace(batch_of(pndm, [scale] * 2, prompt=prompt), empty_prompt=None)
    assert np.abs(drawn(name, pndm, whole).astype(int) - drawn(name, pndm, half)).max() <= 1


def test_without_guidance_the_prompt_has_no_effect(pndm):
    cat, dog = (drawn("text2img", pndm, batch_of(pndm, [0.0], prompt=prompt)) for prompt in ("a cat", "a dog"))
    assert np.array_equal(cat, dog)


@pytest.mark.parametrize(("strength", "run"), [(0.3, 15), (0.5, 25), (0.7, 35), (1.0, 50)])
def test_the_noise_rate_is_the_share_of_steps_that_is_run(folder, model, strength, run):
    timesteps = last_timesteps(fresh_scheduler(model, 50), steps=50, strength=strength)
    # PNDM's list has one timestep twice.
    assert len(timesteps) == run + ("pndm" in folder.name)


def test_a_noise_rate_that_leaves_no_step_is_refused(pndm):
    with pytest.raises(ValueError, match=r"raise generation\.steps"):
        drawn("img2img", pndm, batch_of(pndm, [1.0]), Sampling(steps=2, strength=0.3))


def test_pictures_that_are_not_finite_are_black_and_flagged(pndm):
    latents = torch.randn(2, 4, 8, 8)
    latents[1] = torch.nan
    with torch.inference_mode():
        result = finished(pndm, latents, steps_run=1)
    assert result.flags == ["", "nan"]
    assert result.images[0].any()
    assert not result.images[1].any()


@pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="torch.compile needs a C++ compiler")
@pytest.mark.parametrize("name", ["img2img", "text2img"])
def test_a_compiled_model_draws_the_same_pictures(tmp_path, name):
    record = tiny_models.save_diffusion(tmp_path)
    plain, compiled = (load_diffusion(record, compiled=choice, channels_last=choice) for choice in (False, True))
    pictures = [drawn(name, model, batch_of(model, [1.25, 0.84])) for model in (plain, compiled)]
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 1
    assert compiled.unet._compiled_call_impl is not None


def test_without_a_compiler_compilation_is_refused_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=r"^generation\.compile: there is no C\+\+ compiler here; install g\+\+"):
        load_diffusion(tiny_models.save_diffusion(tmp_path), compiled=True)


def test_another_scheduler_keeps_the_checkpoints_noise_schedule(folder):
    model = load_diffusion(folder / tiny_models.RECORD, scheduler="dpm-solver")
    assert model.scheduler.config.beta_end == 0.012
    with pytest.raises(ValueError, match=r"generation\.scheduler: 'dpm' is not defined"):
        load_diffusion(folder / tiny_models.RECORD, scheduler="dpm")


# -- shards -----------------------------------------------------------------------------------------------------------

GENERATION = Generation("img2img", steps=4, resolution=32, batch_size=4)
NAME = SetName("tiny", "sgid", "0.5")


def prompts_for(images) -> list[dict]:
    scores = [
        {"image_id": name, "sampler": "nucleus", "captions": [f"a cat {name}"], "similarities": [0.3]}
        | {"label_similarity": 0.25}
        for name in images["image_id"].to_pylist()
    ]
    rows = images.select(["image_id", "label"]).to_pylist()
    recipe = PromptRecipe(guidance=Guidance())
    return build_prompts(rows, scores, names={0: "cat", 1: "dog"}, dataset="tiny", recipe=recipe, base_seed=0)


def draw_shard(model, images, *, generation=GENERATION, replicates=1, name=NAME):
    """All drawn anew, in packs that are thrown away."""
    prompts = images.from_pylist(prompts_for(tiny_models.picture_table(6)))
    with tempfile.TemporaryDirectory() as folder, open_packs(Path(folder), "shard") as packs:
        engine = Engine(model, name, generation, Weighting(), packs)
        return pa.concat_tables(draw_images(engine, images, prompts, replicates=replicates))


def bytes_by_id(*tables) -> dict[str, bytes]:
    rows = (row for table in tables for row in table.select(["image_id", "image"]).to_pylist())
    return {row["image_id"]: row["image"]["bytes"] for row in rows}


def test_the_same_images_are_drawn_to_the_byte_however_the_set_is_sharded(pndm):
    images = tiny_models.picture_table(6)
    whole = bytes_by_id(draw_shard(pndm, images))
    assert whole == bytes_by_id(draw_shard(pndm, images.slice(0, 1)), draw_shard(pndm, images.slice(1)))


def test_other_batch_sizes_change_at_most_single_grey_levels(pndm):
    images = tiny_models.picture_table(3)
    loose = replace(GENERATION, batch_size=2, exact=False)
    pixels = [pixels_of(draw_shard(pndm, images, generation=g), 32).astype(int) for g in (GENERATION, loose)]
    assert np.abs(pixels[0] - pixels[1]).max() <= 1


def test_a_generated_image_is_named_after_its_source_recipe_noise_rate_and_number(pndm):
    table = draw_shard(pndm, tiny_models.picture_table(1), replicates=2)
    assert table["image_id"].to_pylist() == ["train/000/sgid/noise-0.5/0", "train/000/sgid/noise-0.5/1"]
    assert len(set(bytes_by_id(table).values())) == 2


def test_a_generated_image_carries_what_made_it(pndm):
    row = draw_shard(pndm, tiny_models.picture_table(1)).to_pylist()[0]
    assert (row["source_id"], row["label"], row["noise_rate"], row["flag"]) == ("train/000", 0, "0.5", "")
    assert row["guidance"] == pytest.approx(1.24)
    assert json.loads(row["weights"])[0] == ["A picture of a cat", 1.5]
    assert row["seed"] == NAME.seed("train/000", 0)


def test_a_redrawn_image_still_points_to_the_training_image(pndm):
    images = tiny_models.picture_table(1)
    images = images.append_column("source_id", [["train/original"]])
    row = draw_shard(pndm, images).to_pylist()[0]
    assert (row["source_id"], row["image_id"]) == ("train/original", "train/original/sgid/noise-0.5/0")


@pytest.mark.parametrize("name", ["img2img", "text2img"])
def test_another_precision_draws_nearly_the_same_picture_from_the_same_noise(tmp_path, name):
    record = tiny_models.save_diffusion(tmp_path)
    pictures = [
        drawn(name, model, batch_of(model, [1.25, 0.84]))
        for model in (load_diffusion(record), load_diffusion(record, dtype="bfloat16"))
    ]
    assert np.abs(pictures[0].astype(int) - pictures[1]).mean() < 3


def test_a_smaller_stored_size_is_the_mean_of_each_area():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    means = image.reshape(8, 8, 8, 8, 3).mean(axis=(1, 3))
    # Pillow rounds once for each direction.
    assert np.abs(np.asarray(stored(image, 8), float) - means).max() < 1


def test_images_are_stored_at_the_size_that_training_wants(pndm):
    table = draw_shard(pndm, tiny_models.picture_table(1), generation=replace(GENERATION, output_size=16))
    assert pixels_of(table, 16).shape == (1, 16, 16, 3)


def test_an_image_without_a_prompt_is_refused_by_name(pndm):
    with pytest.raises(ValueError, match="1 images have no prompt, 'train/006' first"):
        draw_shard(pndm, tiny_models.picture_table(7).slice(6))
