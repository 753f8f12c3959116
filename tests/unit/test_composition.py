"""Training sets without leaks, composed as the settings say, and refused before a picture is decoded."""

import pyarrow as pa
import pytest
import torch
from drawn_sets import drawn_row, with_pictures
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sgid import composition
from sgid.backbones import Recipe
from sgid.composition import Mix, TrainingSet, compose_training_set, planned_steps
from sgid.image_table import encode, image_rows

PICTURES = {"originals": st.integers(1, 40), "drawn": st.integers(0, 3), "seed": st.integers(0, 2**32)}


def table(ids, *, labels=None, colour=0, side=8, source_ids=None):
    picture = encode(Image.new("RGB", (side, side), (colour, colour, colour)))
    rows = image_rows(ids, [picture] * len(ids), list(range(len(ids))) if labels is None else labels)
    return rows if source_ids is None else rows.append_column("source_id", pa.array(source_ids))


def drawn_of(sources, *, replicates=1):
    """Generated pictures as draw_images makes them; the label is the place of the source."""
    places = {source: place for place, source in enumerate(sources)}
    return with_pictures(
        [drawn_row(source, places[source], replicate=number) for source in sources for number in range(replicates)]
    )


def composed(sources, *, replicates=1, rejects=(), held_out=(), **training):
    originals, generated = table(sources), drawn_of(sources, replicates=replicates)
    classes = len(sources) - len(held_out)
    how = {"size": 8, "classes": classes, "held_out": held_out, "rejects": rejects}
    return compose_training_set(originals, generated, training=training, **how)


def pictures(originals, drawn, *, mix, spared=0):
    """A set without pictures in it: `drawn` generated ones of each original but the first `spared`."""
    origin = torch.cat([torch.arange(originals), torch.arange(spared, originals).repeat(drawn)])
    generated = torch.arange(len(origin)) >= originals
    return TrainingSet(torch.empty(len(origin), 0), torch.zeros(len(origin)), generated, origin, mix)


def rows_of(training_set, seed=0):
    return training_set.epoch_rows(torch.Generator().manual_seed(seed))


def recipe(*, epochs=1, batch_size=1):
    return Recipe("sgd", learning_rate=0.1, weight_decay=0.0, epochs=epochs, batch_size=batch_size)


def test_generated_images_are_appended_and_marked():
    both = compose_training_set(table(["a", "b"]), table(["g"], colour=9, source_ids=["b"]), size=8, classes=2)
    assert both.images.shape == (3, 8, 8, 3)
    assert both.generated.tolist() == [False, False, True]
    assert both.origin.tolist() == [0, 1, 1]
    assert both.images[2].unique().tolist() == [9]
    assert both.labels.tolist() == [0, 1, 0]


def test_pictures_are_decoded_to_the_size_of_the_view():
    assert compose_training_set(table(["a"], side=20), None, size=12, classes=1).images.shape == (1, 12, 12, 3)


def test_held_out_images_are_absent_as_originals_and_as_sources():
    originals = table(["a", "b", "c"], labels=[0, 0, 1])
    generated = table(["g/a", "g/b", "g/c", "h/b"], labels=[0, 0, 1, 0], source_ids=["a", "b", "c", "b"])
    rest = compose_training_set(originals, generated, size=8, classes=2, held_out={"b"})
    assert rest.labels.tolist() == [0, 1, 0, 1]
    assert rest.generated.tolist() == [False, False, True, True]
    assert rest.origin.tolist() == [0, 1, 0, 1]


def test_validation_images_that_are_no_training_rows_are_held_out_too():
    generated = table(["g/a", "g/v"], labels=[0, 0], source_ids=["a", "v"])
    assert len(compose_training_set(table(["a"]), generated, size=8, classes=1, held_out={"v"})) == 2


def test_images_generated_from_anything_but_training_images_are_refused():
    with pytest.raises(ValueError, match=r"1 generated images come from no training image .*'test/7'"):
        compose_training_set(table(["a"]), table(["g"], source_ids=["test/7"]), size=8, classes=1)


def test_an_unknown_mix_names_the_legal_ones():
    with pytest.raises(ValueError, match=r"training.mix: 'replaced' is not defined \(have: append, replace, synthetic"):
        composed(["a"], mix="replaced")


def test_a_method_that_draws_nothing_trains_on_the_originals_whatever_the_mix():
    plain = compose_training_set(table(["a", "b"]), None, size=8, classes=2, training={"mix": "synthetic"})
    assert (len(plain), plain.epoch_size, plain.mix) == (2, 2, Mix("append"))


def test_a_synthetic_set_holds_no_original_and_remembers_how_many_there_were():
    found = composed(["a", "b", "c"], mix="synthetic", held_out=["c"])
    assert found.generated.all()
    assert found.origin.tolist() == [-1, -1]
    assert (len(found), found.epoch_size, found.plain_epoch_size) == (2, 2, 2)


def test_the_first_replicates_of_each_original_can_be_had_alone():
    found = composed(["a", "b"], replicates=3, per_original=2)
    everything = composed(["a", "b"], replicates=3)
    assert found.origin[found.generated].tolist() == [0, 0, 1, 1]
    kept = [0, 1, 2, 3, 5, 6]  # both originals, replicates 0 and 1 of each
    assert torch.equal(found.images, everything.images[kept])


def test_a_filter_may_leave_no_original_all_the_replicates_that_are_asked_for():
    left = drawn_of(["a", "b"], replicates=3).slice(0, 2)  # no original's last, and nothing of b
    how = {"size": 8, "classes": 2, "training": {"per_original": 3}}
    assert compose_training_set(table(["a", "b"]), left, **how).origin.tolist() == [0, 1, 0, 0]


def test_rejected_images_are_left_out_and_counted_and_ids_of_other_sets_are_no_error():
    found = composed(["a", "b"], replicates=2, rejects={"a/sgid/noise-0.3/1", "of/another/set"})
    assert found.origin.tolist() == [0, 1, 0, 1, 1]
    assert found.excluded == 1


def test_a_rejected_image_that_would_not_be_used_anyway_is_not_counted():
    assert composed(["a", "b"], replicates=2, per_original=1, rejects={"a/sgid/noise-0.3/1"}).excluded == 0


def test_an_original_is_never_rejected():
    assert composed(["a", "b"], rejects={"a"}).originals == 2


@pytest.mark.parametrize("mix", ["append", "replace"])
def test_a_class_of_which_every_generated_image_is_rejected_still_has_its_originals(mix):
    assert len(composed(["a", "b"], mix=mix, rejects={"a/sgid/noise-0.3/0"})) == 3


def test_a_class_without_an_image_is_refused_by_its_label():
    sentence = r"^class 0 has no training image \(1 of 2 classes have none\); give"
    with pytest.raises(ValueError, match=sentence):
        composed(["a", "b"], mix="synthetic", rejects={"a/sgid/noise-0.3/0"})


def test_an_empty_set_is_refused():
    with pytest.raises(ValueError, match=r"^class 0 has no training image \(3 of 3 classes have none\)"):
        compose_training_set(table(["a"]), None, size=8, classes=3, held_out={"a"})


@pytest.mark.parametrize("label", [-1, 2])
@pytest.mark.parametrize("kind", ["originals", "generated"])
def test_a_label_of_no_class_is_refused_by_its_first_image(kind, label):
    labels = {"originals": [0, 1, 1], "generated": [0, 1, 1]} | {kind: [0, label, label]}
    originals = table(["a", "b", "c"], labels=labels["originals"])
    generated = table(["g", "h", "i"], labels=labels["generated"], source_ids=["a", "b", "c"])
    first = {"originals": "b", "generated": "h"}[kind]
    with pytest.raises(ValueError, match=rf"^image '{first}' has label {label}, but the 2 classes .* are 0 to 1; "):
        compose_training_set(originals, generated, size=8, classes=2)


def test_nothing_is_decoded_before_a_refusal(monkeypatch):
    monkeypatch.setattr(composition, "pixels_of", lambda table, size: pytest.fail("decoded"))
    with pytest.raises(ValueError, match="class 1 has no training image"):
        compose_training_set(table(["a"]), None, size=8, classes=2)


@settings(max_examples=60, deadline=None)
@given(**PICTURES)
def test_an_epoch_of_append_visits_every_picture_once(originals, drawn, seed):
    found = pictures(originals, drawn, mix=Mix("append"))
    rows = rows_of(found, seed)
    assert len(rows) == found.epoch_size
    assert rows.sort().values.tolist() == list(range(len(found)))


@settings(max_examples=60, deadline=None)
@given(**PICTURES, probability=st.floats(0, 1), spared=st.integers(0, 40))
def test_an_epoch_of_replace_visits_each_original_or_its_own_picture_once(originals, drawn, seed, probability, spared):
    spared = min(spared, originals)
    found = pictures(originals, drawn, mix=Mix("replace", probability), spared=spared)
    rows = rows_of(found, seed)
    assert len(rows) == found.epoch_size == originals
    assert found.origin[rows].sort().values.tolist() == list(range(originals))
    assert (found.origin[rows[found.generated[rows]]] >= spared).all()


@settings(max_examples=40, deadline=None)
@given(drawn=st.integers(1, 3), count=st.integers(1, 40), seed=st.integers(0, 2**32))
def test_an_epoch_of_synthetic_visits_every_generated_picture_once(drawn, count, seed):
    origin = torch.full((drawn * count,), -1)
    labels, generated = torch.zeros(len(origin)), torch.ones(len(origin), dtype=torch.bool)
    found = TrainingSet(
        torch.empty(len(origin), 0), labels, generated, origin, Mix("synthetic"), unused_originals=count
    )
    assert rows_of(found, seed).sort().values.tolist() == list(range(found.epoch_size)) == list(range(drawn * count))


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 1.0])
def test_the_share_of_replaced_originals_is_near_its_probability(probability):
    found = pictures(20_000, 1, mix=Mix("replace", probability))
    share = found.generated[rows_of(found)].double().mean().item()
    assert share == pytest.approx(probability, abs=4 * (probability * (1 - probability) / 20_000) ** 0.5)


def test_each_of_several_generated_pictures_takes_the_place_equally_often():
    found = pictures(9_000, 3, mix=Mix("replace", 1.0))
    replicate = (rows_of(found) - 9_000) // 9_000
    counts = torch.bincount(replicate, minlength=3)
    assert counts.sum() == 9_000
    assert (counts - 3_000).abs().max() < 4 * (9_000 * 2 / 9) ** 0.5


@pytest.mark.parametrize("mix", [Mix("append"), Mix("replace"), Mix("synthetic")])
def test_the_same_generator_draws_the_same_epoch_and_the_next_epoch_differs(mix):
    found = pictures(50, 2, mix=mix)
    before = torch.random.get_rng_state()
    generator = torch.Generator().manual_seed(7)
    first, second = found.epoch_rows(generator), found.epoch_rows(generator)
    assert torch.equal(first, rows_of(found, 7))
    assert not torch.equal(first, second)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("mix", [Mix("append"), Mix("replace"), Mix("synthetic")])
def test_an_epoch_is_shuffled(mix):
    found = pictures(200, 1, mix=mix)
    places = found.origin[rows_of(found)].double()
    rank = torch.arange(len(places)).double()
    assert abs(torch.corrcoef(torch.stack([places, rank]))[0, 1]) < 0.3


def test_a_budget_of_epochs_counts_the_composed_set():
    found = pictures(100, 1, mix=Mix("append"))
    assert planned_steps(found, recipe(epochs=3, batch_size=64)) == 3 * 4


@pytest.mark.parametrize("mix", [Mix("append"), Mix("replace")])
@pytest.mark.parametrize("drawn", [0, 1, 3])
def test_a_budget_of_steps_is_that_of_the_plain_backbone(mix, drawn):
    plain = planned_steps(pictures(100, 0, mix=Mix()), recipe(epochs=3, batch_size=64))
    found = pictures(100, drawn, mix=mix)
    assert planned_steps(found, recipe(epochs=3, batch_size=64), {"budget": "steps"}) == plain == 3 * 2


def test_a_budget_of_steps_without_originals_still_counts_them():
    found = composed(["a", "b", "c"], replicates=4, mix="synthetic")
    assert planned_steps(found, recipe(epochs=5, batch_size=2), {"budget": "steps"}) == 5 * 2
    assert planned_steps(found, recipe(epochs=5, batch_size=2), {"budget": "epochs"}) == 5 * 6


@pytest.mark.parametrize("budget", ["epochs", "steps"])
def test_twice_the_epochs_are_twice_the_steps(budget):
    found = pictures(10, 1, mix=Mix("append"))
    once, twice = (
        planned_steps(found, recipe(batch_size=3), {"budget": budget, "epochs_factor": factor}) for factor in (1, 2)
    )
    assert twice == 2 * once


def test_an_unknown_budget_names_the_legal_ones():
    with pytest.raises(ValueError, match=r"training.budget: 'time' is not defined \(have: epochs, steps\)"):
        planned_steps(pictures(1, 0, mix=Mix()), recipe(), {"budget": "time"})


def test_a_batch_that_no_epoch_fills_is_refused_with_both_numbers():
    with pytest.raises(ValueError, match=r"recipe.batch_size is 64, but an epoch has 10 training images; set it to 10"):
        planned_steps(pictures(10, 9, mix=Mix("replace")), recipe(batch_size=64))


def test_a_batch_may_be_as_large_as_an_epoch():
    assert planned_steps(pictures(10, 0, mix=Mix()), recipe(batch_size=10)) == 1
