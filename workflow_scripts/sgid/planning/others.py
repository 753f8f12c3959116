"""Builds at work in this folder that a status does not count, for they are of other data (standard library only)."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from sgid.builds import Files

FOLDERS = "datasets|captions|similarity|prompts|images|selection|runs|predictions"
OF_DATA = re.compile(rf"results/(?:{FOLDERS})/([^/]+)/")


def uncounted(builds: Mapping[str, Files], datasets: Collection[str]) -> Iterator[str]:
    """A sentence for each build (`host-process` to its files) that makes files of data sets beside those named."""
    for name, files in builds.items():
        others = sorted(datasets_in(files.makes).difference(datasets))
        if others:
            host, _, process = name.rpartition("-")
            yield (
                f"Not counted here: a build of {', '.join(others)} (process {process} on {host}) runs in this folder; "
                "its status needs the --configfile that it was started with."
            )


def datasets_in(paths: Iterable[str]) -> set[str]:
    """The data sets whose files are among some paths."""
    return {found[1] for found in map(OF_DATA.match, paths) if found}
