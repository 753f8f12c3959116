import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgid.guidance import Guidance
from sgid.prompts import (
    Caption,
    PromptRecipe,
    build_prompts,
    choose,
    counts_of,
    label_text,
    prompt_of,
    prompt_recipe,
    readable,
    spans_of,
    written_captions,
)
from sgid.seeding import seed_for

LABEL, CAPTION = "A picture of a cat", "a cat on a mat"
texts = st.text("abc ", min_size=1)
PLAIN = PromptRecipe()


def candidates(*values: float) -> list[Caption]:
    return [Caption(str(i), "nucleus", value, value) for i, value in enumerate(values)]


def test_the_papers_example_prompt_comes_out_to_the_letter():
    label = label_text("Chevrolet_Silverado_1500_Extended_Cab_2012")
    spans = spans_of(label, "a 2009 chevrolet silverado in a desert", PromptRecipe())
    assert prompt_of(spans) == (
        "A picture of a Chevrolet Silverado 1500 Extended Cab 2012, a 2009 chevrolet silverado in a desert."
    )


def test_the_article_stays_before_a_vowel():
    assert label_text("apple") == "A picture of a apple"


def test_class_names_become_readable():
    assert readable("colts_foot?") == "colts foot"


@given(texts, texts, st.sampled_from(["label and caption", "label", "caption", "none"]))
def test_spans_put_together_are_the_prompt_and_hold_only_the_named_parts(label, caption, parts):
    spans = spans_of(label, caption, PromptRecipe(parts=parts))
    expected = {"label and caption": f"{label}, {caption}.", "label": f"{label}.", "caption": f"{caption}.", "none": ""}
    assert prompt_of(spans) == expected[parts]


def test_label_and_caption_carry_the_papers_weights_and_punctuation_none():
    assert spans_of(LABEL, CAPTION, PromptRecipe()) == [(LABEL, 1.5), (", ", 1.0), (CAPTION, 0.9), (".", 1.0)]


def test_without_prompt_weighting_all_weights_are_one():
    assert {weight for _, weight in spans_of(LABEL, CAPTION, PromptRecipe(weighted=False))} == {1.0}


@given(st.lists(st.sampled_from([-0.1, 0.0, 0.21, 0.22, 0.3]), min_size=20, max_size=20), st.integers(0, 2**63 - 1))
def test_the_filter_takes_the_most_similar_of_twenty_captions_and_the_first_of_a_tie(cosines, seed):
    assert choose(candidates(*cosines), "filter", seed=seed).text == str(cosines.index(max(cosines)))


@pytest.mark.parametrize("strategy", ["filter", "nucleus"])
@given(seed=st.integers(0, 2**63 - 1))
def test_a_caption_whose_similarity_is_no_number_is_not_chosen_while_there_is_another(strategy, seed):
    assert choose(candidates(math.nan, 0.2, math.inf), strategy, seed=seed).text == "1"


@pytest.mark.parametrize("strategy", ["filter", "nucleus"])
def test_a_caption_is_chosen_even_where_no_similarity_is_a_number(strategy):
    assert choose(candidates(math.nan, math.nan), strategy, seed=0).text == "0"


def test_a_random_choice_is_of_any_caption_and_follows_the_seed_alone():
    captions = candidates(*[0.0] * 10)
    chosen = [choose(captions, "nucleus", seed=seed_for("an image", seed)).text for seed in range(100)]
    assert set(chosen) == {caption.text for caption in captions}
    assert chosen == [choose(captions, "nucleus", seed=seed_for("an image", seed)).text for seed in range(100)]


def test_written_captions_prefer_the_class_then_the_data_set_then_the_default():
    lists = {"cat": ["c {label}"], "pets": ["d {label}"], "default": ["e {label}"]}
    found = [written_captions(*names, lists) for names in [("cat", "pets"), ("my_dog", "pets"), ("my_dog", "dtd")]]
    assert found == [["c cat"], ["d my dog"], ["e my dog"]]


def test_a_class_without_written_captions_is_refused():
    with pytest.raises(ValueError, match="'cat' of pets has no sentences"):
        written_captions("cat", "pets", {})


def score_row(image_id: str, sampler: str, similarities: list[float], **changes) -> dict:
    captions = [f"{sampler} {i}" for i in range(len(similarities))]
    row = {"image_id": image_id, "sampler": sampler, "captions": captions, "similarities": similarities}
    return row | {"label_similarity": 0.25} | changes


def rows_for(recipe: PromptRecipe, images: int = 30, **options) -> list[dict]:
    entries = [{"image_id": f"i{i}", "label": 0} for i in range(images)]
    scores = [score_row(e["image_id"], s, [0.1, 0.3, 0.2]) for e in entries for s in ("nucleus", "beam")]
    return prompts_of(scores, recipe, entries, **options)


def prompts_of(scores: list[dict], recipe: PromptRecipe = PLAIN, entries=({"image_id": "i0", "label": 0},), **options):
    return build_prompts(entries, scores, names={0: "cat"}, dataset="pets", recipe=recipe, base_seed=0, **options)


def test_an_image_whose_captions_are_all_empty_is_drawn_from_its_label_and_flagged():
    (row,) = prompts_of([score_row("i0", "nucleus", [0.3, 0.2], captions=["", ""])])
    assert (row["prompt"], row["caption"], row["prompt_flag"]) == ("A picture of a cat.", "", "no caption")
    assert (row["similarity"], row["guidance"]) == (0.25, 1.25)


def test_a_prompt_of_the_caption_alone_falls_back_to_the_label_where_there_is_no_caption():
    (row,) = prompts_of([score_row("i0", "nucleus", [0.3], captions=[""])], PromptRecipe(parts="caption"))
    assert row["prompt"] == "A picture of a cat."


def test_empty_captions_among_others_are_passed_over():
    captions = ["", "a cat", ""]
    (row,) = prompts_of(
        [score_row("i0", "nucleus", [0.9, 0.1, 0.9], captions=captions)], PromptRecipe(captions="nucleus")
    )
    assert (row["caption"], row["prompt_flag"]) == ("a cat", "")


@pytest.mark.parametrize(("label_similarity", "guidance"), [(0.25, 1.25), (math.nan, 1.0)])
def test_without_any_number_guidance_follows_the_label_text_or_is_neutral_and_flagged(label_similarity, guidance):
    scores = [score_row("i0", "nucleus", [math.nan, math.nan], label_similarity=label_similarity)]
    (row,) = prompts_of(scores)
    assert (row["guidance"], row["prompt_flag"]) == (guidance, "no similarity")
    assert row["caption"] in ("nucleus 0", "nucleus 1")


@pytest.mark.parametrize(("captions", "flag"), [(["", ""], "no caption"), (["a", "b"], "no similarity")])
def test_a_label_text_without_rivals_has_no_share_so_that_guidance_is_neutral(captions, flag):
    scores = [score_row("i0", "nucleus", [math.nan, math.nan], captions=captions)]
    (row,) = prompts_of(scores, mode="softmax")
    assert (row["similarity"], row["guidance"], row["prompt_flag"]) == (0.0, 1.0, flag)


def test_guidance_below_zero_is_clamped_and_marked():
    (row,) = prompts_of([score_row("i0", "nucleus", [0.95])])
    assert (row["guidance"], row["guidance_clamped"]) == (0.0, True)


def test_flags_and_clamped_guidance_are_counted():
    entries = [{"image_id": f"i{i}", "label": 0} for i in range(4)]
    scores = [
        score_row("i0", "nucleus", [0.2], captions=[""]),
        score_row("i1", "nucleus", [math.nan]),
        score_row("i2", "nucleus", [0.95]),
        score_row("i3", "nucleus", [0.3]),
    ]
    counts = counts_of(prompts_of(scores, entries=entries))
    assert counts == {"images": 4, "guidance clamped": 1, "no caption": 1, "no similarity": 1}


def test_another_reading_of_similarity_moves_guidance_and_keeps_the_cosine():
    (row,) = prompts_of([score_row("i0", "nucleus", [0.2])], mode="clipscore")
    assert (row["cosine"], row["similarity"], row["guidance"]) == (0.2, 0.5, 1.0)


@pytest.mark.parametrize("mode", ["cosine", "softmax", "clipscore"])
def test_the_filter_chooses_the_same_caption_under_every_reading_of_clips_cosine(mode):
    scores = [score_row("i0", sampler, cosines) for sampler, cosines in (("beam", [-0.3, -0.2]), ("nucleus", [-0.1]))]
    (row,) = prompts_of(scores, PromptRecipe(captions="filter"), mode=mode)
    assert row["caption"] == "nucleus 0"


def test_captions_come_from_the_named_sampler_and_vary_between_images():
    chosen = {row["caption"] for row in rows_for(PromptRecipe(captions="nucleus"))}
    assert chosen == {"nucleus 0", "nucleus 1", "nucleus 2"}


def test_the_filter_looks_at_the_captions_of_both_samplers():
    assert {row["caption"] for row in rows_for(PromptRecipe(captions="filter"))} == {"beam 1"}


def test_guidance_follows_the_chosen_caption_even_where_the_prompt_does_not_show_it():
    row = rows_for(PromptRecipe(captions="filter", parts="label"))[0]
    assert (row["prompt"], row["similarity"]) == ("A picture of a cat.", 0.3)
    assert row["guidance"] == pytest.approx(1.24)


def test_weights_are_stored_as_spans_of_the_prompt():
    row = rows_for(PromptRecipe())[0]
    assert "".join(text for text, _ in json.loads(row["weights"])) == row["prompt"]


def test_an_image_without_captions_is_refused_by_name():
    with pytest.raises(ValueError, match="i0: no nucleus captions"):
        build_prompts([{"image_id": "i0", "label": 0}], [], names={0: "cat"}, dataset="pets",
                      recipe=PromptRecipe(), base_seed=0)  # fmt: skip


def test_a_prompt_recipe_is_read_from_an_image_recipe():
    entry = {"generator": "img2img", "captions": "beam", "guidance": {"mode": "constant", "value": 5.0}, "noise": "0.5"}
    assert prompt_recipe(entry) == PromptRecipe(captions="beam", guidance=Guidance("constant", value=5.0))


def test_unknown_parts_are_refused():
    with pytest.raises(ValueError, match=r"parts: 'both' .*label and caption"):
        PromptRecipe(parts="both")
