"""docs/own-images.md: its files are whole, its commands are planned, and what it quotes is what is said."""

import re
import subprocess

import pytest
import yaml
from configuration_files import FILES, laid_over, read_config
from snake import ROOT, copy_of_the_repository, snakemake

from sgid.configuration import checked
from sgid.datasets.naming import check_prompt_names
from sgid.matrix import Matrix
from sgid.page_paths import ImagePages
from sgid.refusals import ConfigError

PAGE = (ROOT / "docs/own-images.md").read_text(encoding="utf-8")
FOLDER = "/data/birds"
OVERLAYS = dict(re.findall(r"^```yaml\n# (\w+\.yaml)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL))
COMMANDS = [line.split("  #")[0].strip() for line in re.findall(r"^\$ (.+)$", PAGE, flags=re.MULTILINE)]


def words_of(command: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Targets, as a shell takes them apart, and the options behind them."""
    told = subprocess.run(["bash", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True, check=True)
    words = told.stdout.split("\n")[1:-1]
    first = next(number for number, word in enumerate(words) if word.startswith("--"))
    return tuple(words[:first]), tuple(words[first:])


def configuration_of(command: str) -> tuple[str, ...]:
    """Its overlays and settings: commands that share them are planned in one call."""
    _, options = words_of(command)
    return options[: next((n for n, word in enumerate(options) if word in ("--cores", "--resources")), len(options))]


def fill(folder, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone with the page's files, and a folder whose names are those of its example."""
    root = copy_of_the_repository(tmp_path_factory.mktemp("own"))
    fill(root / "birds", "016.Finch/00.jpg", "016.Finch/spring/01.jpg", "Blue Jay/00.png", "Blue Jay/01.png")
    for name, text in OVERLAYS.items():
        (root / name).write_text(text.replace(FOLDER, "birds"))
    return root


def test_every_file_that_a_command_lays_over_the_configuration_stands_on_the_page():
    named = {word for command in COMMANDS for word in configuration_of(command) if word.endswith(".yaml")}
    assert named - {"config/demo.yaml"} == OVERLAYS.keys()
    assert all(command.startswith("snakemake ") for command in COMMANDS)


@pytest.mark.parametrize("configured", sorted(set(map(configuration_of, COMMANDS))))
def test_snakemake_plans_the_commands_of_the_page(clone, configured):
    targets = [word for command in COMMANDS if configuration_of(command) == configured for word in words_of(command)[0]]
    call = snakemake(*targets, *configured, "-n", "--quiet", cwd=clone)
    assert call.code == 0, call.text


def refusal(folder, *, files=("birds.yaml",), **changes) -> str:
    """What the page's configuration is refused with, once it is changed; `folder` stands for its folder."""
    config = read_config(*FILES)
    for text in (*(OVERLAYS[name] for name in files), yaml.safe_dump(changes)):
        config = laid_over(config, yaml.safe_load(text.replace(FOLDER, str(folder))))
    with pytest.raises(ConfigError) as refused:
        ImagePages(Matrix(checked(config)))
    return str(refused.value).replace(str(folder), FOLDER)


REFUSED = [
    ("there is no such folder; correct `folder`", (), {}),
    ("lies in no class folder; move it into one, or name a list as `labels`", ("0.jpg", "a/0.jpg"), {}),
    ("holds one class, 'finch', where two classes are the least", ("finch/0.jpg",), {}),
    ("its classes would be test, train; did you mean `split: given`?", ("train/a/0.jpg", "test/a/0.jpg"), {}),
    (
        "datasets.birds.resolution: 500 is not a multiple of 8",
        ("a/0.jpg", "b/0.jpg"),
        {"datasets": {"birds": {"resolution": 500}}},
    ),
    (
        "exports.recipes: 'sgid_fife' is not defined (did you mean 'sgid_five'?",
        ("a/0.jpg", "b/0.jpg"),
        {"exports": {"recipes": ["sgid_fife"]}},
    ),
    (
        "tables.birds_table.datasets: 'birds' has no test images, so nothing can be trained on it and measured",
        ("a/0.jpg", "b/0.jpg"),
        {"files": ("birds.yaml", "birds_table.yaml"), "datasets": {"birds": {"split": {"test": 0}}}},
    ),
]


@pytest.mark.parametrize(("sentence", "pictures", "changes"), REFUSED, ids=[each[0][:30] for each in REFUSED])
def test_what_the_page_quotes_is_what_is_said(tmp_path, sentence, pictures, changes):
    fill(tmp_path / "birds", *pictures)
    assert sentence in refusal(tmp_path / "birds", **changes)
    assert sentence in PAGE


def test_the_sentence_for_who_forgot_the_configuration_is_the_page_s():
    with pytest.raises(ConfigError) as refused:
        ImagePages(Matrix(checked(read_config(*FILES)))).own()
    assert str(refused.value).partition(" draws from")[0] in PAGE


def test_the_sentence_for_a_key_that_is_missing_is_the_page_s(tmp_path):
    fill(tmp_path / "birds", "a/0.jpg", "b/0.jpg")
    config = laid_over(read_config(*FILES), yaml.safe_load(OVERLAYS["birds.yaml"]))
    config["datasets"]["birds"].pop("stored")
    with pytest.raises(ConfigError, match=r"^datasets\.birds: 'stored' is a required property"):
        checked(config)
    assert "`datasets.birds: 'stored' is a required property`" in PAGE


def test_the_sentence_for_a_prompt_name_of_no_class_is_the_page_s():
    with pytest.raises(ConfigError) as refused:
        check_prompt_names(
            "birds", {"source": "folder", "prompt_names": {"finch": "brambling"}}, ["016.Finch", "Blue Jay", "owl"]
        )
    assert f"`{refused.value}`" in PAGE


def test_files_that_the_page_links_to_exist():
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGE)
    assert links
    assert not [link for link in links if not (ROOT / "docs" / link).exists()]


def test_headings_that_the_page_links_to_exist():
    text = (ROOT / "config/README.md").read_text(encoding="utf-8")
    headings = {re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-") for line in re.findall(r"^#+ (.+)$", text, re.M)}
    anchors = set(re.findall(r"\]\(\.\./config/README\.md#([^)]+)\)", PAGE))
    assert anchors <= headings
