"""The jobs behind files: which there are, which are still to be done, and in what order (standard library only)."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sgid.planning.work import NOTHING, Work

STAGES = {
    "data sets": ("fetch_dataset", "prepare_dataset", "name_classes"),
    "models": ("fetch_model",),
    "captions": ("write_sentences", "write_captions", "list_captions", "score_captions", "build_prompts"),
    "images": ("draw_images", "collect_images"),
    "choice": ("train_candidate", "choose_noise", "choose_recipe"),
    "filter": ("score_images", "judge_images", "reject_images", "reject_by_chance", "filter_images"),
    "training": ("train_classifier",),
}
LAST_STAGE = "tables, figures"
STAGE_OF = {rule: stage for stage, rules in STAGES.items() for rule in rules}
ON_A_GPU = (
    *("write_sentences", "write_captions", "score_captions", "draw_images"),
    *("train_candidate", "train_classifier", "measure_consistency", "score_images", "judge_images"),
)


@dataclass(frozen=True)
class Job:
    """One job of Snakemake's. part: its wildcards as a path, as its log and benchmark have them.

    inputs: only those that may be made by other jobs; `names`: its wildcards.
    """

    rule: str
    part: str
    outputs: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict, compare=False, hash=False)
    work: Work = field(default=NOTHING, compare=False, hash=False)

    @property
    def stage(self) -> str:
        """The part of the build that it belongs to."""
        return STAGE_OF.get(self.rule, LAST_STAGE)

    @property
    def on_gpu(self) -> bool:
        """Whether its rule asks for a GPU."""
        return self.rule in ON_A_GPU

    @property
    def place(self) -> str:
        """Its rule and wildcards as a path."""
        return f"{self.rule}/{self.part}"

    @property
    def log(self) -> str:
        """Where its log stands."""
        return f"logs/{self.place}.log"

    @property
    def benchmark(self) -> str:
        """Where Snakemake writes its seconds, if its rule has them written."""
        return f"results/benchmarks/{self.place}.tsv"


Producer = Callable[[str], Job | None]


@dataclass(frozen=True)
class Graph:
    """Jobs in an order in which each comes behind those that it needs; `targets`: the files that were asked for."""

    jobs: tuple[Job, ...]
    targets: tuple[str, ...]

    @classmethod
    def behind(cls, targets: Iterable[str], producer: Producer) -> "Graph":
        """All jobs that the targets need, found by what makes each input; `producer` answers None for given files."""
        wanted = tuple(dict.fromkeys(targets))
        made: dict[str, Job | None] = {}
        ordered: dict[Job, None] = {}
        waiting: list[tuple[str, bool]] = [(path, False) for path in reversed(wanted)]
        while waiting:
            path, opened = waiting.pop()
            job = made[path] if path in made else producer(path)
            if path not in made and job:
                made |= dict.fromkeys(job.outputs, job)
            made.setdefault(path, job)
            if job is None or job in ordered:
                continue
            if opened:
                ordered[job] = None
            else:
                waiting.append((path, True))
                waiting += [(each, False) for each in reversed(job.inputs) if each not in made or made[each]]
        return cls(tuple(ordered), wanted)

    @property
    def maker(self) -> dict[str, Job]:
        """Output to the job that makes it."""
        return {path: job for job in self.jobs for path in job.outputs}

    def needs(self) -> dict[Job, list[Job]]:
        """Job to the jobs whose outputs it reads, each once."""
        maker = self.maker
        return {job: list(dict.fromkeys(maker[path] for path in job.inputs if path in maker)) for job in self.jobs}

    def to_do(self, exists: Callable[[str], bool]) -> set[Job]:
        """Jobs that have to run, as Snakemake sees it from what is there: a job whose wanted output is missing, those
        that follow it, and of what these read, the makers of what is missing.

        Whether a file is outdated, by its date or by changed params, is left to `snakemake -n`.
        """
        maker, needs = self.maker, self.needs()
        followers: dict[Job, list[Job]] = {job: [] for job in self.jobs}
        for job, before in needs.items():
            for each in before:
                followers[each].append(job)
        missing = {path for path in maker if not exists(path)}
        found: set[Job] = set()
        waiting = deque(maker[path] for path in self.targets if path in missing)
        while waiting:
            job = waiting.popleft()
            if job not in found:
                found.add(job)
                waiting.extend(followers[job])
                waiting.extend(maker[path] for path in job.inputs if path in missing)
        return found


def makespan(jobs: Sequence[Job], seconds: Mapping[Job, float], needs: Mapping[Job, Sequence[Job]], gpus: int) -> float:
    """Seconds until the last job ends where at most `gpus` GPU jobs run at a time and others are not limited.

    `jobs` in an order that `Graph` has; each starts as soon as what it needs is done and a GPU is free.
    """
    ends: dict[Job, float] = {}
    free = [0.0] * max(gpus, 1)
    for job in sorted(jobs, key=lambda each: each.stage == LAST_STAGE):
        ready = max((ends.get(each, 0.0) for each in needs[job]), default=0.0)
        if not job.on_gpu:
            ends[job] = ready + seconds.get(job, 0.0)
            continue
        device = min(range(len(free)), key=lambda each: max(free[each], ready))
        ends[job] = free[device] = max(free[device], ready) + seconds.get(job, 0.0)
    return max(ends.values(), default=0.0)
