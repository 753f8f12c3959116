"""How many jobs a cluster is sent for a plan: rules with a GPU, and what a profile groups with them."""

import re
from collections import Counter, defaultdict

FIELD = r"^    {}: (.*)$"


def jobs_of(text: str) -> list[tuple[str, str]]:
    """(rule, all else) of each job in what `snakemake -n` prints without a profile."""
    return re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)+)", text, flags=re.MULTILINE)


def listed(body: str, kind: str) -> list[str]:
    """The files of a kind that a job has."""
    found = re.search(FIELD.format(kind), body, flags=re.MULTILINE)
    return found[1].split(", ") if found else []


def submissions(text: str, groups: dict[str, str]) -> Counter:
    """Submissions by the rules in them: jobs of one group that follow from each other are sent as one."""
    jobs = jobs_of(text)
    maker = {path: number for number, (_, body) in enumerate(jobs) for path in listed(body, "output")}
    leader = list(range(len(jobs)))

    def leading(number: int) -> int:
        while leader[number] != number:
            number = leader[number]
        return number

    for number, (rule, body) in enumerate(jobs):
        for path in listed(body, "input"):
            before = maker.get(path)
            if before is not None and groups.get(rule) is not None and groups.get(jobs[before][0]) == groups[rule]:
                leader[leading(number)] = leading(before)
    sent = defaultdict(set)
    for number, (rule, body) in enumerate(jobs):
        if rule in groups or re.search(r"^    resources: .*\bgpu=", body, flags=re.MULTILINE):
            sent[leading(number)].add(rule)
    return Counter(" + ".join(sorted(rules)) for rules in sent.values())
