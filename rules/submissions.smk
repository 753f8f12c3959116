"""Which GPU jobs go to a cluster together, and for how long, by the figures of `snakemake plan`. Included last.

For profiles whose `group-components` say how many short jobs a group may have. What a profile sets by `groups` or
`set-resources` counts instead: a rule with a `runtime` of its own is grouped with no other.
"""

from dataclasses import replace
from functools import cache, partial

from snakemake.io import apply_wildcards

from sgid.planning.graph import ON_A_GPU

SHORT = "short"  # all such groups, to `group-components`
ADDED = ("runtime", "mem", "mem_mb", "disk", "disk_mb", "cpus_per_task")  # in all else the jobs of a group must agree
overrides = workflow.resource_settings.overwrite_resources


def said_of(name):
    return str(sorted((key, str(value)) for key, value in overrides.get(name, {}).items() if key not in ADDED))


@cache
def job_groups():
    asked = {rule.name for rule in workflow.dag.targetrules}
    plan = plan_to_build(config, [name for name in PLANNED if name in asked])
    return replace(plan.groups, apart={name: said_of(name) for name in ON_A_GPU})


def file_of(name, wildcards):
    return apply_wildcards(workflow.get_rule(name).output[0], wildcards)


def group_of(name, wildcards):
    if SHORT not in workflow.group_settings.group_components or "runtime" in overrides.get(name, {}):
        return None
    group = job_groups().name(file_of(name, wildcards))
    if group:
        workflow.parent_groupids[group] = SHORT
    return group


def minutes_of(name, wildcards, attempt):
    if SHORT not in workflow.group_settings.group_components:
        return None
    return job_groups().minutes(file_of(name, wildcards), attempt)


# Inside a submission nobody asks, and answers would be read from all results that are there.
for each in map(workflow.get_rule, ON_A_GPU if workflow.is_main_process else ()):
    each.group = partial(group_of, each.name)
    if "runtime" not in overrides.get(each.name, {}):
        each.resources["runtime"] = partial(minutes_of, each.name)
