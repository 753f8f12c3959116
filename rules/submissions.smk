"""Which GPU jobs go to a cluster together, and for how long, by the figures of `snakemake plan`. Included last.

For profiles whose `group-components` say how many short jobs a group may have. What a profile sets by `groups` or
`set-resources` counts instead.
"""

from functools import cache, partial

from snakemake.io import apply_wildcards

from sgid.planning.graph import ON_A_GPU

SHORT = "short"  # all such groups, to `group-components`


@cache
def job_groups():
    return plan_of_build(config).groups


def group_of(name, wildcards):
    if SHORT not in workflow.group_settings.group_components:
        return None
    group = job_groups().name(apply_wildcards(workflow.get_rule(name).output[0], wildcards))
    if group:
        workflow.parent_groupids[group] = SHORT
    return group


def minutes_of(name, wildcards, attempt):
    return job_groups().minutes(apply_wildcards(workflow.get_rule(name).output[0], wildcards), attempt)


# Inside a submission nobody asks, and answers would be read from all results that are there.
for each in map(workflow.get_rule, ON_A_GPU if workflow.is_main_process else ()):
    each.group = partial(group_of, each.name)
    if "runtime" not in workflow.resource_settings.overwrite_resources.get(each.name, {}):
        each.resources["runtime"] = partial(minutes_of, each.name)
