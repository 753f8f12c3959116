"""A folder of the user's own, augmented as docs/own-images.md says: redrawn whole, exported, and nothing else."""

import csv
import io
import zipfile

import pytest
import yaml
from small_pictures import noise
from snake import copy_of_the_repository, snakemake

from sgid.image_table import read_table


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A fresh clone with a folder of three pictures, and an overlay that names it and a recipe at one noise rate."""
    folder = copy_of_the_repository(tmp_path_factory.mktemp("augment"))
    for name in ("red wren/0.png", "red wren/1.png", "016.Finch/0.png"):
        (folder / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        noise().save(folder / "mine" / name)
    about = {"title": "Mine", "source": "folder", "folder": "mine", "split": {"test": 0}, "validation": 0.1}
    overlay = {
        "datasets": {"mine": about | {"resolution": 32, "stored": None, "image_size": 32}},
        "recipes": {"sgid_mine": {"generator": "img2img", "noise": "0.3"}},
        "exports": {"recipes": ["sgid_mine"]},
    }
    (folder / "mine.yaml").write_text(yaml.safe_dump(overlay))
    return folder


def test_a_folder_is_redrawn_whole_and_exported_under_its_own_class_names(clone):
    call = snakemake("augment", "--configfile", "config/demo.yaml", "mine.yaml", "--cores", "2", cwd=clone)
    assert call.code == 0, call.text[-3000:]
    drawn = read_table(clone / "results/images/mine/sgid_mine/noise-0.3/shard-0-of-1.parquet")
    assert sorted(drawn["source_id"].to_pylist()) == ["016.Finch/0.png", "red wren/0.png", "red wren/1.png"]
    with zipfile.ZipFile(clone / "results/exports/mine/sgid_mine/noise-0.3/imagefolder.zip") as archive:
        classes = list(csv.DictReader(io.StringIO(archive.read("classes.csv").decode())))
        assert [each["folder"] for each in classes] == ["016.Finch", "red wren"]
        assert sum(name.startswith("red wren/") for name in archive.namelist() if name.endswith(".png")) == 2
    page = (clone / "results/pages/mine/sgid_mine.html").read_text()
    assert '<p class="stamp">Miniature: tiny models; ' in page
    assert "index.html" not in page
    assert {path.name for path in (clone / "results/images").iterdir()} == {"mine"}
    assert not (clone / "results/runs").exists()
