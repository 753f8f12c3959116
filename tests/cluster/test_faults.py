"""What a cluster does to a build: it ends well, and no picture, step or result is made twice.

Two faults, met by a drawing and a training of one call; what takes longer stands in test_slow_faults.py.
"""

import pytest
from slurm_checkout import SLOW
from slurm_faults import PICTURES, RUN, SHARD, drawn, finishes, kept, steps_before, wait_for_pictures, wait_for_steps

TARGETS = SHARD.format(noise="0.9"), RUN.format(method="slow")


@pytest.fixture(scope="module")
def struck(finished):
    """The build after a call whose drawing was cancelled and whose training was warned; what was there before."""
    checkout, _ = finished
    before, process = checkout.outputs(), checkout.start(*TARGETS, build=SLOW)
    wait_for_steps(checkout)
    # As --signal does it: to the job's step, not to its batch script.
    checkout.slurm.command("scancel", "--signal=TERM", str(checkout.job("train_classifier").number))
    wait_for_pictures(checkout, "0.9")
    checkout.slurm.command("scancel", str(checkout.job("draw_images").number))
    finishes(process, checkout)
    return checkout, before, checkout.jobs()


def test_a_cancelled_drawing_is_submitted_again_and_draws_no_picture_twice(struck):
    checkout, _, jobs = struck
    assert [job.state for job in jobs if "draw_images" in job.comment] == ["CA", "CD"]
    assert len(drawn(checkout, "0.9")) == len(set(drawn(checkout, "0.9"))) == PICTURES


def test_a_training_warned_of_its_time_limit_goes_on_from_its_checkpoint_with_more_time(struck):
    checkout, _, jobs = struck
    first, second = (job for job in jobs if "train_classifier" in job.comment)
    assert (first.state, second.state) == ("F", "CD")
    assert (first.minutes, second.minutes) == ("31:00", "1:01:00")
    assert steps_before(checkout, "slow") > 0


def test_after_both_what_was_there_before_is_untouched_and_nothing_is_left_to_be_done(struck):
    checkout, before, _ = struck
    assert kept(checkout, before)
    assert "Nothing to be done" in checkout.run(*TARGETS, build=SLOW)
