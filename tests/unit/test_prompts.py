import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgid.guidance import Guidance
from sgid.prompts import (
    Caption,
    PromptRecipe,
    build_prompts,
    choose,
    label_text,
    prompt_of,
    prompt_recipe,
    readable,
    spans_of,
    written_captions,
)

LABEL, CAPTION = "A picture of a cat", "a cat on a mat"
texts = st.text("abc ", min_size=1)


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


def test_the_filter_takes_the_most_similar_caption_and_the_first_of_a_tie():
    captions = [Caption("a", "beam", 0.1), Caption("b", "beam", 0.3), Caption("c", "nucleus", 0.3)]
    assert choose(captions, "filter", seed=7).text == "b"


@given(st.integers(0, 2**63 - 1))
def test_a_random_choice_depends_on_the_seed_alone(seed):
    captions = [Caption(str(i), "nucleus", 0.0) for i in range(10)]
    assert choose(captions, "nucleus", seed=seed) == choose(captions, "nucleus", seed=seed)


def test_written_captions_prefer_the_class_then_the_data_set_then_the_default():
    lists = {"cat": ["c {label}"], "pets": ["d {label}"], "default": ["e {label}"]}
    found = [written_captions(*names, lists) for names in [("cat", "pets"), ("my_dog", "pets"), ("my_dog", "dtd")]]
    assert found == [["c cat"], ["d my dog"], ["e my dog"]]


def test_a_class_without_written_captions_is_refused():
    with pytest.raises(ValueError, match="'cat' of pets has no sentences"):
        written_captions("cat", "pets", {})


def score_row(image_id: str, sampler: str, similarities: list[float]) -> dict:
    captions = [f"{sampler} {i}" for i in range(len(similarities))]
    return {"image_id": image_id, "sampler": sampler, "captions": captions, "similarities": similarities}


def rows_for(recipe: PromptRecipe, images: int = 30) -> list[dict]:
    entries = [{"image_id": f"i{i}", "label": 0} for i in range(images)]
    scores = [score_row(e["image_id"], s, [0.1, 0.3, 0.2]) for e in entries for s in ("nucleus", "beam")]
    return build_prompts(entries, scores, names={0: "cat"}, dataset="pets", recipe=recipe, base_seed=0)


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
