"""The overlays in config/presets: in order, and as large as they say."""

import pytest
import yaml
from configuration_files import CONFIG, laid_over, read_config

from sgid.configuration import checked
from sgid.matrix import Matrix
from sgid.planning.build import Build
from sgid.planning.estimates import Device
from sgid.planning.rates import Rates
from sgid.planning.summary import Summary, summarise

PRESETS = sorted(path.stem for path in (CONFIG / "presets").glob("*.yaml"))
H200 = Device.of("H200", read_config("devices")["devices"]["H200"])


def preset(config: dict, name: str) -> dict:
    text = (CONFIG / "presets" / f"{name}.yaml").read_text(encoding="utf-8")
    return checked(laid_over(config, yaml.safe_load(text)))


def planned(config: dict, name: str) -> Summary:
    whole = preset(config, name)
    graph = Build(Matrix(whole)).graph(whole["build"])
    return summarise(graph, Rates(H200), names=whole["build"], gpus=1, exists=lambda path: False)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_in_order_and_its_build_can_be_planned(paper_config, name):
    assert planned(paper_config, name).total("runs") > 0


def test_the_smoke_test_takes_less_than_half_an_hour_by_the_cost_model_and_draws_with_both_generators(paper_config):
    smoke = planned(paper_config, "smoke")
    assert smoke.total("seconds") < 1800
    rows = {row.rule: row for row in smoke.rows}
    assert rows["draw_images"].images == 2 * 102
    assert rows["train_classifier"].runs == 3 * 4


def test_the_smoke_test_changes_no_recipe_method_or_backbone_of_the_paper(paper_config):
    smoke = preset(paper_config, "smoke")
    for registry in ("recipes", "methods", "backbones", "datasets", "generation", "captions"):
        assert paper_config[registry].items() <= smoke[registry].items()


def test_the_small_sets_are_five_and_cifar_is_none_of_them(paper_config):
    config = preset(paper_config, "small_sets")
    jobs = Build(Matrix(config)).graph(config["build"]).jobs
    assert {job.names["dataset"] for job in jobs if "dataset" in job.names} == {
        *("caltech101", "cars", "flowers102", "pets", "dtd")
    }


def test_all_is_what_the_configuration_builds(paper_config):
    assert preset(paper_config, "all") == paper_config
