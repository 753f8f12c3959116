"""Before a build's first job: would SLURM take it?

The plugin (2.8.0) waits for ever for a group of jobs whose submission raises (its run_job asks a group for its rule):
where there is no SLURM, or the account is unknown. So this asks first, in one call for each kind of submission.
Standard library only.
"""

import logging
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence

PATIENCE = 60.0  # seconds; a controller that is away is given up by `sbatch` after 18 (measured, SLURM 22.05)
OPTIONS = {
    "slurm_account": "--account",
    "slurm_partition": "--partition",
    "clusters": "--clusters",
    "qos": "--qos",
    "constraint": "--constraint",
    "runtime": "--time",
    "mem_mb": "--mem",
    "gres": "--gres",
}
# Of what SLURM says, what points to which resource.
CAUSES = {
    "account": "slurm_account",
    "partition": "slurm_partition",
    "qos": "qos",
    "feature": "constraint",
    "time limit": "runtime",
}
# So it answers also while all nodes are down or drained, and a job that is submitted then waits for them.
PERHAPS_LATER = ("not available", "busy")


class SubmissionError(Exception):
    """SLURM is not here, or does not take what the profile asks for."""


def check_gpus(limit: int | None) -> None:
    """Raise SubmissionError where `--resources gpu=N` is given as on one machine: jobs of one submission would run side
    by side, each submission would ask for N GPUs, and nothing else would be faster.
    """
    if limit not in (None, 1):
        advice = "`jobs` says how many are sent at once; leave it out"
        raise SubmissionError(f"--resources gpu={limit}: on SLURM each submission has one GPU, and {advice}")


def ask_slurm(jobs: Iterable, *, group_of: Callable, validate: Callable, refused: type[Exception]) -> None:
    """Raise SubmissionError where SLURM would not take Snakemake's jobs; those that stay here are not asked for.

    `group_of` answers a job's group, None where it is submitted alone; `validate` is the plugin's check of an account,
    which raises `refused`.
    """
    sent: dict[object, list[Mapping]] = {}
    for job in jobs:
        if not job.is_local:
            # Not `job.resources`, which is kept: what depends on inputs that are not there yet would stay without them.
            given = job.rule.expand_resources(job.wildcards_dict, job.input, job.attempt, {"tmpdir"})
            sent.setdefault(group_of(job) or job, []).append(given)
    for words in kinds(sent.values()):
        try_submission(words)
    accounts = {str(each["slurm_account"]) for given in sent.values() for each in given if each.get("slurm_account")}
    for account in sorted(accounts):
        check_account(account, validate, refused)


def kinds(sent: Iterable[Sequence[Mapping]]) -> list[list[str]]:
    """Options of `sbatch`, once for submissions that differ in nothing but minutes: those of the longest.

    Each submission by its jobs' resources; they run one after the other.
    """
    longest: dict[tuple[str, ...], int] = {}
    for given in sent:
        most = max(given, key=lambda each: each.get("mem_mb") or 0)
        words = tuple(options({name: value for name, value in most.items() if name != "runtime"}))
        longest[words] = max(longest.get(words, 0), sum(each.get("runtime") or 0 for each in given))
    return [[*words, *options({"runtime": minutes})] for words, minutes in longest.items()]


def options(resources: Mapping) -> list[str]:
    """Those of `sbatch` by which the plugin asks for a job's resources, as far as SLURM looks at them at once."""
    words = [f"{option}={resources.get(name)}" for name, option in OPTIONS.items() if resources.get(name)]
    if gpus := resources.get("gpu"):
        model = resources.get("gpu_model")
        words.append(f"--gpus={model}:{gpus}" if model else f"--gpus={gpus}")
    return words


def try_submission(words: Iterable[str], patience: float = PATIENCE) -> None:
    """Let SLURM judge a job without queueing it; raises SubmissionError."""
    command = ["sbatch", "--test-only", *words, "--wrap=true"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=patience, check=False)
    except subprocess.TimeoutExpired:
        raise SubmissionError(refusal(command, f"no answer within {patience:.0f} s")) from None
    except OSError as error:
        raise SubmissionError(refusal(command, str(error))) from None
    said = done.stderr.strip().replace("\n", ", ") or f"exit status {done.returncode}"
    if done.returncode and not any(hint in said for hint in PERHAPS_LATER):
        raise SubmissionError(refusal(command, said))


def refusal(command: list[str], said: str) -> str:
    """One sentence: what was asked, what SLURM said, and what to do."""
    keys = " and ".join(key for word, key in CAUSES.items() if word in said.lower())
    correct = f"correct {keys} in profiles/site.yaml (docs/cluster.md)"
    elsewhere = "this has to be a machine where `sinfo` works (a login node)"
    return f"{' '.join(command)}: {said}; {correct if keys else elsewhere}"


def check_account(account: str, validate: Callable[[str, logging.Logger], object], refused: type[Exception]) -> None:
    """Ask as the plugin does before each submission: SubmissionError where its `validate` raises `refused`."""
    for name in account.replace(",", " ").split():
        try:
            validate(name, logging.getLogger("sgid"))
        except (refused, OSError) as error:
            said = " ".join(str(error).split())
            advice = "correct it in profiles/site.yaml, or leave it out where there is no accounting"
            raise SubmissionError(f"slurm_account {name}: {said}; {advice}") from None
