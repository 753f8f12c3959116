"""What a cluster would be sent, read from what `snakemake -n --profile profiles/slurm` prints."""

import re
from textwrap import dedent

from sgid.planning.plans import Plan

FIELD = r"^ +{}: (.*)$"
JOB = re.compile(r"^(?:local)?rule (\w+):\n((?:    .*\n)+)", flags=re.MULTILINE)
GROUP = re.compile(r"^\[.*\] Group job (\w+) .*:\n((?:\n| {4}.*\n)+)", flags=re.MULTILINE)
MINUTES = re.compile(r"^ +resources: .*\bgpu=\d.*\bruntime=(\d+)", flags=re.MULTILINE)

ON_SLURM = ("--profile", "profiles/slurm", "--workflow-profile", "none")  # the default profile's logger leaves jobs out

Job = tuple[str, str]  # rule, and all else that is said of the job


def jobs_of(text: str) -> list[Job]:
    """Each job, in a group or alone."""
    return JOB.findall(GROUP.sub(lambda found: dedent(found[2]), text))


def listed(body: str, kind: str) -> list[str]:
    """The files of a kind that a job has."""
    found = re.search(FIELD.format(kind), body, flags=re.MULTILINE)
    return found[1].split(", ") if found else []


def submissions(text: str) -> list[list[Job]]:
    """The jobs of each submission: those of a group, and each other one that needs a GPU."""
    groups = [jobs_of(dedent(body)) for _, body in GROUP.findall(text)]
    alone = [[job] for job in jobs_of(GROUP.sub("", text)) if MINUTES.search(job[1])]
    return [*groups, *alone]


def minutes_asked(submission: list[Job]) -> int:
    """The time limit of a submission, whose jobs run one after the other."""
    return sum(int(MINUTES.search(body)[1]) for _, body in submission)


def seconds_lasting(submission: list[Job], plan: Plan) -> float:
    """How long a submission lasts by the figures of a plan, which has all its jobs."""
    made = [plan.build.producer(listed(body, "output")[0]) for _, body in submission]
    return sum(plan.cost(job).seconds for job in made)
