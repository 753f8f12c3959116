import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow_scripts"
PACKAGE = SCRIPTS / "sgid"
MODULES = sorted(PACKAGE.rglob("*.py"))
ENTRIES = sorted(SCRIPTS.glob("*.py"))
RULES = {
    name: body
    for path in sorted((ROOT / "rules").glob("*.smk"))
    for name, body in re.findall(
        r"^ *rule (\w+):\n((?:(?:    .*)?\n)+)", path.read_text(encoding="utf-8"), re.MULTILINE
    )
}

# The house from its cellar up: a room imports only from those before it. A new room takes its place here.
ROOMS = [
    *(
        "seeding",
        "guidance",
        "training_settings",
        "rejects",
        "refusals",
        "recipes",
        "figure_references",
        "references",
        "locks",
        "builds",
        "submissions",
        "lease",
        "runtime",
        "stopping",
        "transfer",
        "download",
        "folders",
        "dataset_registry",
    ),
    *("made_by", "archive", "merge"),
    *("model_files", "model_registry", "matrix", "method_images", "presentation", "model_needs", "report_paths"),
    "configuration",
    *(
        "found_files",
        "target_names",
        "benchmark_files",
        "filter_paths",
        "cost_plan",
        "page_paths",
        "site_paths",
        "rating_plan",
        "rating_sheets",
    ),
    *("caption_scores", "prompts", "picking", "weighting", "prompt_lengths", "classes", "image_table", "image_sets"),
    *("hub", "weights"),
    *("operations", "transforms", "mixing"),
    *("similarity", "shared_attention", "caption_tables", "captions", "sentences"),
    "image_encoders",
    "generators",
    *(
        "backbones",
        "host_memory",
        "memory",
        "composition",
        "online",
        "optimisation",
        "checkpoints",
        "loop",
        "predictions",
        "training",
    ),
    "intervals",
    *("evaluation", "trained", "jobs", "consistency", "cases"),
    *("filter_scores", "filter_classifier", "rejection"),
    *("results_table", "selection", "paired_tests", "significance", "prediction_tests", "star_rule"),
    *("paper_numbers", "tables", "table_notes", "table_formats"),
    *("figure_style", "figure_panels", "picture_grid", "figures", "gallery"),
    *("figure_frames", "run_figures", "cost_figure"),
    *("html_pages", "image_samples", "image_pages", "exports"),
    *("reject_grid", "filter_tables", "filter_pages"),
    *("agreement", "rating_items", "rating_pages", "rating_simulation", "rating_means"),
    *("rating_tables", "rating_notes"),
    *("caption_statistics", "caption_samples", "caption_charts", "caption_report"),
    *("site_costs", "site_tables", "site_runs", "site", "site_pictures"),
    *("miniature", "datasets"),
    "planning",
]
PLANNING = (
    *(
        "training_settings",
        "refusals",
        "recipes",
        "figure_references",
        "references",
        "folders",
        "dataset_registry",
        "model_files",
        "model_registry",
    ),
    *("matrix", "presentation"),
)
STANDARD_LIBRARY_ONLY = (
    "seeding",
    "guidance",
    "builds",
    "submissions",
    "lease",
    "caption_scores",
    "prompts",
    "method_images",
    "model_needs",
    "benchmark_files",
    "found_files",
    "target_names",
    "cost_plan",
    "filter_paths",
    "report_paths",
    "page_paths",
    "site_paths",
    "rejects",
    "rating_plan",
    "rating_sheets",
    *PLANNING,
)
NO_TORCH = (
    *("image_table", "image_sets", "significance", "tables", "figures", "selection", "runtime", "configuration"),
    *("rejection", "reject_grid", "filter_tables", "filter_pages"),
    *("run_figures", "cost_figure", "planning.plans", "planning.preflight", "planning.progress"),
)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Full names of the modules that a file imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = ("sgid", *path.relative_to(PACKAGE).parts[:-1])
            base = [*parents[: len(parents) - node.level + 1]] if node.level else []
            found.add(".".join([*base, node.module] if node.module else base))
    return found


def loaded_by(*modules: str) -> set[str]:
    """Top-level packages in memory after importing some modules in a process of its own."""
    code = f"import sys, {', '.join(modules)}; print(*{{name.split('.')[0] for name in sys.modules}})"
    environment = os.environ | {"PYTHONPATH": str(SCRIPTS)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    return set(done.stdout.split())


def test_planning_loads_no_heavy_library():
    others = ("cost_plan", "report_paths", "page_paths", "rating_plan", "configuration")
    planned = loaded_by(*(f"sgid.{name}" for name in (*PLANNING, *others)))
    assert planned.isdisjoint({"torch", "numpy", "pandas", "pyarrow", "PIL", "diffusers", "transformers", "timm"})


@pytest.mark.parametrize("module", STANDARD_LIBRARY_ONLY)
def test_a_pure_module_imports_the_standard_library_only(module):
    names = {name.split(".")[0] for name in imports_of(PACKAGE / f"{module}.py")}
    assert names <= sys.stdlib_module_names | {"sgid"}


def test_tables_and_figures_load_no_torch():
    assert "torch" not in loaded_by(*(f"sgid.{name}" for name in NO_TORCH))


def test_nothing_in_the_package_knows_snakemake():
    assert [path for path in MODULES if any("snakemake" in name for name in imports_of(path))] == []


def test_nothing_in_the_package_spells_snakemakes_object():
    named = [p for p in MODULES for n in ast.walk(ast.parse(p.read_text())) if getattr(n, "id", "") == "snakemake"]
    assert named == []


def test_every_room_has_its_place_in_the_house():
    assert {room_of(path) for path in MODULES} - {"__init__"} == set(ROOMS)


@pytest.mark.parametrize("path", MODULES, ids=[str(path.relative_to(PACKAGE)) for path in MODULES])
def test_a_module_imports_only_from_rooms_below(path):
    used = {name.split(".")[1] for name in imports_of(path) if name.startswith("sgid.")}
    below = ROOMS[: ROOMS.index(room_of(path)) + 1] if room_of(path) in ROOMS else []
    assert used <= set(below)


def test_no_file_of_the_package_is_longer_than_250_lines():
    assert [path.name for path in MODULES if len(path.read_text(encoding="utf-8").splitlines()) > 250] == []


def test_every_module_says_what_it_is_for():
    assert [path for path in MODULES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))] == []


@pytest.mark.parametrize("path", ENTRIES, ids=[path.stem for path in ENTRIES])
def test_an_entry_script_reads_calls_and_writes(path):
    text = path.read_text(encoding="utf-8")
    decisions = (ast.FunctionDef, ast.ClassDef, ast.If, ast.IfExp, ast.While, ast.Try)
    assert len(text.splitlines()) <= 30
    assert [node for node in ast.walk(ast.parse(text)) if isinstance(node, decisions)] == []
    assert "with job_log(snakemake.log[0])" in text


@pytest.mark.parametrize("path", ENTRIES, ids=[path.stem for path in ENTRIES])
def test_an_entry_script_is_named_like_its_rule(path):
    assert path.read_text(encoding="utf-8").startswith(f'"""Rule {path.stem}: ')
    assert f'"../workflow_scripts/{path.name}"' in RULES[path.stem]


def test_every_rule_with_a_script_runs_the_one_of_its_name():
    scripts = {name: re.findall(r"workflow_scripts/(\w+)\.py\"", body)[-1:] for name, body in RULES.items()}
    assert {name: found for name, found in scripts.items() if found and "script:" in RULES[name]} == {
        name: [name] for name, body in RULES.items() if "script:" in body
    }


def test_only_common_smk_is_told_where_the_package_is():
    told = [path.name for path in (ROOT / "rules").glob("*.smk") if "sys.path" in path.read_text(encoding="utf-8")]
    assert told == ["common.smk"]
