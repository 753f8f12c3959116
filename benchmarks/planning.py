"""What planning costs as the matrix grows, what a job costs Snakemake, and whether its scheduler keeps up, in one run.

    python benchmarks/planning.py [--parts plans growth finished comparison overhead lease ready]

- plans:      dry runs in a fresh clone: `all`, every table and figure, one table, one run; what SLURM would be sent
- growth:     dry runs of every table and figure on 1, 4 and 13 copies of each data set, a seed a job
- finished:   `all` where every job only touches its outputs: files made, and what finding nothing to be done costs
- comparison: the stages from captions to one image set as a workflow of one file an image, and as this one
- overhead:   a job of `shell:`, `script:` and `run:` that does nothing
- lease:      40 short jobs, four at a time, on a pool of three pretended GPUs: double bookings
- ready:      20,000 jobs of one second's work in all, ready at once: jobs a second under each scheduler setting

Seconds are of the wall; `cpu_seconds` are the process's own, which other load moves less. Writes
benchmarks/results/planning.json; parts that were not asked for keep what stands there.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import date
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from statistics import median

import yaml

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / name) for name in ("workflow_scripts", "tests/support", "tests/workflow")]

from configuration_files import FILES, read_config  # noqa: E402
from larger_builds import copy_that_touches, larger_build  # noqa: E402
from snake import copy_of_the_repository, job_counts, snakemake  # noqa: E402
from submissions import ON_SLURM, jobs_of, listed, seconds_lasting, submissions  # noqa: E402

from sgid.planning.plans import Plan  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "planning.json"
COPIES = (1, 4, 13)
READY = 20_000
DEVICE = "H200"
SUBSAMPLE = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text(encoding="utf-8"))["scheduler-subsample"]
LOCAL = ("--cores", "8", "--resources", "gpu=4", "--scheduler", "greedy")
IMAGES = 10_000
A_FILE_AN_IMAGE = f"""
rule one_set:
    input: expand("drawn/{{i}}.png", i=range({IMAGES}))
    output: touch("set.json")
rule write_captions:
    output: "captions/{{i}}.json"
    shell: "touch {{output}}"
rule score_captions:
    input: "captions/{{i}}.json"
    output: "similarity/{{i}}.json"
    shell: "touch {{output}}"
rule draw_images:
    input: "similarity/{{i}}.json"
    output: "drawn/{{i}}.png"
    shell: "touch {{output}}"
"""
EMPTY = {
    "shell": 'shell: "touch {output}"',
    "script": 'script: "empty.py"',
    "run": 'run: open(output[0], "w").close()',
}
MANY = """
rule all:
    input: expand("done/{{i}}", i=range({jobs}))
rule work:
    output: "done/{{i}}"
    resources: gpu=1
    {how}
"""
HOLDER = f"""
import sys, time
sys.path.insert(0, {str(ROOT / "workflow_scripts")!r})
from sgid.lease import lease_devices
asked = time.time()
(device,) = lease_devices()
began = time.time()
time.sleep(0.2)
print(device, asked, began, time.time())
"""


def planned(*words: str, cwd: Path = ROOT, overlay: dict | None = None) -> dict:
    """One dry run: jobs, seconds, megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "overlay.yaml"
        path.write_text(yaml.safe_dump(overlay or {}), encoding="utf-8")
        began = time.perf_counter()
        call = snakemake(*words, "-n", "--quiet", *(["--configfile", str(path)] if overlay else []), cwd=cwd)
        seconds = time.perf_counter() - began
    if call.code:
        raise SystemExit(call.text)
    jobs = job_counts(call.text).get("total", 0)
    print(*words, jobs, f"{seconds:.1f} s", flush=True)
    return {
        "jobs": jobs,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(call.cpu_seconds, 1),
        "megabytes": round(call.megabytes),
    }


def plans(work: Path) -> dict:
    """Dry runs where nothing has been made."""
    clone, config = copy_of_the_repository(work / "clone"), read_config(*FILES)
    text = snakemake("all", "-n", *ON_SLURM, "--config", f"plan_device={DEVICE}", cwd=clone).text
    edges = sum(len(listed(body, "input")) for _, body in jobs_of(text))
    return {
        "all": planned("all", cwd=clone) | {"input_files_of_all_jobs": edges},
        f"submissions to SLURM, {DEVICE}": sent(submissions(text), config),
        "every table and figure": planned("all", cwd=clone, overlay=larger_build(config, 1)),
        "one table (table4)": planned("table4", cwd=clone),
        "one run": planned("results/runs/pets/resnet50/sgid/seed-0.json", cwd=clone),
    }


def sent(groups: list[list[tuple[str, str]]], config: dict) -> dict:
    """How many jobs SLURM is sent, by their rules, and how long they last by the figures of `snakemake plan`."""
    plan = Plan(config | {"plan_device": DEVICE}, config["build"])
    minutes = [seconds_lasting(jobs, plan) / 60 for jobs in groups]
    rules = Counter(" + ".join(sorted({rule for rule, _ in jobs})) for jobs in groups)
    found = {"submissions": len(groups), "jobs": sum(map(len, groups)), "rules": dict(sorted(rules.items()))}
    return found | {"shortest_minutes": round(min(minutes), 1), "median_minutes": round(median(minutes), 1)}


def growth(work: Path) -> dict:
    """The exponent of seconds over jobs, between the least and the most."""
    config, clone = read_config(*FILES), copy_of_the_repository(work / "larger")
    found = {n: planned("all", cwd=clone, overlay=larger_build(config, n, pack_seeds=False)) for n in COPIES}
    least, most = found[COPIES[0]], found[COPIES[-1]]
    exponents = {
        key: round(math.log(most[key] / least[key]) / math.log(most["jobs"] / least["jobs"]), 2)
        for key in ("seconds", "cpu_seconds", "megabytes")
    }
    return {"copies of each data set": found, "exponent": exponents}


def finished(work: Path) -> dict:
    """A build whose every job touches its outputs, then a dry run of the same."""
    copy = copy_that_touches(work / "finished")
    began = time.perf_counter()
    call = snakemake("all", *LOCAL, "--quiet", "all", cwd=copy)
    if call.code:
        raise SystemExit(call.text)
    made = [path for path in (copy / "results").rglob("*") if path.is_file()]
    return {
        "seconds_of_the_build": round(time.perf_counter() - began, 1),
        "files_under_results": len(made),
        "nothing to be done": planned("all", cwd=copy),
        "one run, nothing to be done": planned("results/runs/pets/resnet50/sgid/seed-0.json", cwd=copy),
    }


def comparison(work: Path) -> dict:
    """The same stages, one file an image and in shards."""
    folder = work / "images"
    folder.mkdir()
    (folder / "Snakefile").write_text(A_FILE_AN_IMAGE, encoding="utf-8")
    ours = planned("results/images/cifar10/sgid/noise-0.5.json", cwd=copy_of_the_repository(work / "shards"))
    return {
        f"a file an image, {IMAGES} images": planned("one_set", "--logger", "rich", cwd=folder),
        "this workflow, 50000 images": ours,
    }


def folder_of_jobs(folder: Path, jobs: int, how: str) -> Path:
    """A workflow of so many jobs that do nothing."""
    (folder / "done").mkdir(parents=True)
    (folder / "Snakefile").write_text(MANY.format(jobs=jobs, how=how), encoding="utf-8")
    (folder / "empty.py").write_text('open(snakemake.output[0], "w").close()\n', encoding="utf-8")
    return folder


def overhead(work: Path) -> dict:
    """Milliseconds a job, from the difference between many jobs and one, one at a time."""

    def seconds(kind: str, jobs: int) -> float:
        folder = folder_of_jobs(work / f"{kind}-{jobs}", jobs, EMPTY[kind])
        began = time.perf_counter()
        snakemake("all", "--cores", "1", "--resources", "gpu=1", "--scheduler", "greedy", "--quiet", "all", cwd=folder)
        return time.perf_counter() - began

    counts = {"shell": 101, "script": 31, "run": 6}
    return {
        f"milliseconds_of_{kind}": round(1000 * (seconds(kind, jobs) - seconds(kind, 1)) / (jobs - 1))
        for kind, jobs in counts.items()
    }


def lease(work: Path) -> dict:
    """Jobs of processes of their own, more of them than devices."""
    environment = os.environ | {"SGID_GPUS": "0,1,2", "SGID_LOCKS": str(work)}
    stays, jobs = [], 40
    for _ in range(jobs // 4):
        holders = [
            subprocess.Popen([sys.executable, "-c", HOLDER], env=environment, stdout=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        stays += [each.communicate()[0].split() for each in holders]
    spans = [(device, *map(float, times)) for device, *times in stays]
    both = [(a, b) for a, b in combinations(spans, 2) if a[0] == b[0] and a[2] < b[3] and b[2] < a[3]]
    waits = sorted(began - asked for _, asked, began, _ in spans)
    found = {"double_bookings": len(both), "median_seconds_to_a_lease": round(waits[jobs // 2], 4)}
    return {"jobs": len(spans), "devices": 3} | found


def ready(work: Path) -> dict:
    """Jobs started within 40 seconds of the first."""

    def rate(words: list[str], name: str) -> float:
        folder = folder_of_jobs(work / name, READY, EMPTY["shell"])
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "all", *LOCAL[:-1], *words, "--quiet", "all"],
            cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while not any((folder / "done").iterdir()) and process.poll() is None:
            time.sleep(0.5)
        time.sleep(40)
        count = sum(1 for _ in (folder / "done").iterdir())
        process.kill()  # asked to stop, it would first look at all that is ready
        process.wait()
        print(*words, count / 40, "jobs a second", flush=True)
        return round(count / 40, 1)

    return {
        "jobs_ready": READY,
        "jobs_a_second": {
            "greedy": rate(["greedy"], "all-of-them"),
            f"greedy, subsample {SUBSAMPLE}": rate(["greedy", "--scheduler-subsample", str(SUBSAMPLE)], "subsample"),
        },
    }


PARTS = {part.__name__: part for part in (plans, growth, finished, comparison, overhead, lease, ready)}


def main() -> None:
    """Run the parts that are asked for and lay them over what stands in the results."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    report = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for part in arguments.parse_args().parts:
        machine = {
            "date": date.today().isoformat(),
            "cores": os.cpu_count(),
            "load_before": round(os.getloadavg()[0], 1),
            "versions": {"python": platform.python_version(), "snakemake": version("snakemake")},
        }
        with tempfile.TemporaryDirectory() as folder:
            report[part] = PARTS[part](Path(folder)) | {"measured": machine}
        RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
