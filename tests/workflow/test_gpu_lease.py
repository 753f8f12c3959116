"""Snakemake counts GPU jobs and assigns no device: with the lease no two jobs share one, of two Snakemakes neither."""

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

from snake import ROOT

SNAKEFILE = """
import sys
sys.path.insert(0, {scripts!r})
rule all:
    input: expand("done/{{job}}", job=range(8))
rule work:
    output: "done/{{job}}"
    resources: gpu=1
    script: "work.py"
"""
JOB = f"""
import sys, time
sys.path.insert(0, {str(ROOT / "workflow_scripts")!r})
from sgid.lease import lease_devices
(device,) = lease_devices()
began = time.time()
time.sleep(0.5)
open(snakemake.output[0], "w").write(f"{{device}} {{began}} {{time.time()}}")
"""


def start(folder: Path, environment: dict[str, str]) -> subprocess.Popen:
    """One Snakemake with eight jobs, four at a time, in a folder of its own."""
    folder.mkdir()
    (folder / "Snakefile").write_text(SNAKEFILE.format(scripts=str(ROOT / "workflow_scripts")))
    (folder / "work.py").write_text(JOB)
    words = ["all", "--cores", "4", "--resources", "gpu=4", "--scheduler", "greedy"]
    return subprocess.Popen(
        [sys.executable, "-m", "snakemake", *words], cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    )


def test_sixteen_jobs_of_two_snakemakes_never_share_one_of_four_devices(tmp_path):
    environment = os.environ | {"SGID_GPUS": "0,1,2,3", "SGID_LOCKS": str(tmp_path)}
    runs = [start(tmp_path / name, environment) for name in ("one", "two")]
    errors = [run.communicate()[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], errors
    stays = [path.read_text().split() for path in tmp_path.glob("*/done/*")]
    assert len(stays) == 16
    assert {device for device, _, _ in stays} == {"0", "1", "2", "3"}
    for (device, began, ended), (other, other_began, other_ended) in combinations(stays, 2):
        assert device != other or float(ended) <= float(other_began) or float(other_ended) <= float(began)
