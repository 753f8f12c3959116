import pytest

from sgid.matrix import Matrix
from sgid.rating_plan import HumanEvaluations
from sgid.references import ConfigError


@pytest.fixture
def human(config) -> HumanEvaluations:
    return HumanEvaluations(Matrix(config))


def test_each_annotator_has_a_page_a_data_set_and_the_keys_lie_elsewhere(human):
    pages = human.pages("table2")
    assert len(pages) == 3 * 3
    assert pages[0] == "results/human/table2/pages/annotator-1/caltech101.html"
    assert human.keys("table2")[0] == "results/human/table2/keys/caltech101.json"


def test_rows_that_draw_have_sets_and_rows_that_perturb_have_transforms(human):
    assert human.recipes("table2") == {"ra": None, "sgid": "sgid", "sgid_dc": "sgid_dc", "text2img": "text2img"}
    assert human.online("table2") == {"ra": {"randaugment": {}}}
    assert len(human.sets("table2", "pets")) == 3 + 3 + 1
    assert human.choices("table2", "pets") == [
        "results/selection/pets/sgid.json",
        "results/selection/pets/sgid_dc.json",
    ]


def test_no_picture_is_shown_larger_than_it_is_drawn(config, demo_config):
    assert HumanEvaluations(Matrix(config)).extent("table2", "pets")["side"] == 320
    assert HumanEvaluations(Matrix(demo_config)).extent("table2", "shapes")["side"] == 32


def test_the_kit_asks_for_the_shards_too(human):
    assert "results/images/dtd/text2img/noise-1.0/shard-0-of-1.parquet" in human.kit_targets()


def test_sheets_are_those_of_the_folder(config, tmp_path):
    config["human"]["table2"]["sheets"] = str(tmp_path)
    human = HumanEvaluations(Matrix(config))
    with pytest.raises(ConfigError, match=r"human\.table2\.sheets: no sheet .* `snakemake annotation_kit --cores 1`"):
        human.sheets("table2")
    for name in ("b.csv", "a.csv", "notes.txt"):
        (tmp_path / name).touch()
    assert human.sheets("table2") == [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]


def test_simulated_sheets_are_one_a_page(demo_config):
    human = HumanEvaluations(Matrix(demo_config))
    assert human.sheets("table2") == human.simulated("table2")
    assert human.sheets("table2")[2] == "results/human/table2/simulated/annotator-3/shapes.csv"


def test_accuracies_are_of_the_runs_that_are_done(human, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert human.accuracy_runs("table2") == {}
    done = tmp_path / "results/runs/cars/resnet50/sgid_label/seed-0.json"
    done.parent.mkdir(parents=True)
    done.touch()
    # On Cars the row of SGID is another method in Table 1.
    assert list(human.accuracy_runs("table2")) == ["results/runs/cars/resnet50/sgid_label/seed-0.json"]


def test_accuracies_are_planned_for_the_rated_rows_alone(human):
    plan = human.accuracy_plan("table2")
    assert {cell["row"] for cell in plan["cells"]} == {"ra", "sgid", "sgid_dc", "text2img"}
    assert len(plan["cells"]) == 4 * 7


def test_accuracies_stand_beside_the_papers_only_where_it_has_every_data_set(config):
    assert len(HumanEvaluations(Matrix(config)).layout("table2")["accuracy_names"]) == 7
    del config["datasets"]["pets"]["paper_name"]
    assert HumanEvaluations(Matrix(config)).layout("table2")["accuracy_names"] == {}


def test_accuracies_can_be_left_out(config):
    config["human"]["table2"]["accuracy"] = None
    human = HumanEvaluations(Matrix(config))
    assert human.accuracy_plan("table2")["cells"] == list(human.accuracy_runs("table2")) == []
    assert human.layout("table2")["backbone"] == ""
    assert human.paper("table2") == ["config/paper/table2.csv"]


def test_the_published_numbers_are_table_2s_and_the_accuracies_table_1s(human, demo_config):
    assert human.paper("table2") == ["config/paper/table2.csv", "config/paper/table1.csv"]
    assert human.published() == ["table2"]
    demo = HumanEvaluations(Matrix(demo_config))
    assert (demo.paper("table2"), demo.published()) == ([], [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"datasets": ["pest"]}, r"human\.table2\.datasets: 'pest' is not defined \(did you mean 'pets'"),
        ({"rows": ["sgdi"]}, r"human\.table2\.rows: 'sgdi' is not defined"),
        ({"rows": ["backbone"]}, r"human\.table2\.rows: 'backbone' leaves the originals as they are"),
        ({"images": {"sgid": "sgdi"}}, r"human\.table2\.images: 'sgdi' is not defined"),
        ({"accuracy": {"table": "table9", "backbone": "vit"}}, r"human\.table2\.accuracy\.table: 'table9'"),
        ({"accuracy": {"table": "table3", "backbone": "vit"}}, r"human\.table2\.accuracy\.backbone: 'vit'"),
        (
            {"accuracy": {"table": "table4", "backbone": "resnet50"}},
            r"human\.table2\.accuracy\.table: 'table4' has sev",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_refused_by_its_key(config, change, message):
    config["human"]["table2"] |= change
    with pytest.raises(ConfigError, match=message):
        HumanEvaluations(Matrix(config))
