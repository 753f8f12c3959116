"""The simulated error rate of the star rule, and that the pages print it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from long_forms import table_of

from sgid.significance import compare_with_best
from sgid.star_rule import RIVALS, Setting, draw, markdown_rates, paper_rate, standard_error, star_rates, stars

ROOT = Path(__file__).parents[2]
RESULT = json.loads((ROOT / "docs/star_rule.json").read_text(encoding="utf-8"))
TRIALS = 40_000


def test_the_simulated_star_is_the_workflows():
    # One rival alone is as good, so that some stars are there to be compared.
    accuracies = next(draw(Setting(5, 0.0), trials=300))
    accuracies[:, 2:] -= 10
    names = [f"rival{place}" for place in range(RIVALS)]
    found = [
        compare_with_best(table_of(sgid=list(own), **dict(zip(names, map(list, rivals), strict=True))),
                          {"row": "sgid", "against": names})["star"].item()
        for own, *rivals in accuracies + 50
    ]  # fmt: skip
    assert found == stars(accuracies)["best_paired"].tolist()
    assert any(found)


@pytest.mark.parametrize("row", RESULT["rows"], ids=lambda row: f"{row['seeds']}-{row['correlation']}")
def test_a_smaller_simulation_finds_the_rates_that_are_printed(row):
    found = star_rates(Setting(row["seeds"], row["correlation"]), trials=TRIALS)
    for name, rate in found.items():
        # Five standard errors of the smaller simulation, and one star, where a rate is nearly nothing.
        assert abs(rate - row[name]) <= 5 * standard_error(row[name], TRIALS) + 1 / TRIALS


def test_a_rival_named_before_is_beaten_by_chance_in_one_of_forty_columns():
    rates = [row["named_paired"] for row in RESULT["rows"]]
    assert rates == pytest.approx([0.025] * len(rates), abs=5 * standard_error(0.025, RESULT["trials"]))


def test_correlated_seeds_do_not_matter_to_the_paired_test():
    rates = [row["best_paired"] for row in RESULT["rows"] if row["seeds"] == 5]
    assert np.ptp(rates) < 6 * standard_error(max(rates), RESULT["trials"])


def test_correlated_runs_have_the_correlation_that_is_asked_for():
    accuracies = next(draw(Setting(3, 0.9), trials=20_000))
    assert np.corrcoef(accuracies[:, 0].ravel(), accuracies[:, 1].ravel())[0, 1] == pytest.approx(0.9, abs=0.01)
    assert accuracies.std() == pytest.approx(1, abs=0.01)


def test_the_page_prints_what_was_simulated():
    page = (ROOT / "docs/statistics.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- star rule: begin -->\n(.*)\n<!-- star rule: end -->", page, flags=re.DOTALL)
    assert block.group(1) == markdown_rates(RESULT)


def test_the_readme_says_how_often_the_star_errs():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"in {100 * paper_rate(RESULT):.1f} % of columns" in readme
    assert "docs/statistics.md" in readme
