"""Pages of pictures and their index: samples and counts put into templates, which escape whatever they are given."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pyarrow as pa

from sgid.html_pages import page_environment
from sgid.image_samples import Extent, Family
from sgid.image_sets import is_miniature
from sgid.rejects import HEAD
from sgid.runtime import read_json


@dataclass(frozen=True)
class Heading:
    """What a page is about. `how`: the recipe's fields; `indexed`: whether the index of the build names the page;
    `commit`: of the code that made it.
    """

    dataset: str
    recipe: str
    title: str
    how: dict
    indexed: bool
    commit: str


def page_numbers(paths: Sequence[str | Path], facts: pa.Table, shown: Sequence[Family]) -> dict:
    """Counts of the sets at `paths` and of what a page shows of them. `facts`: of `facts_of`."""
    heads = [read_json(path) for path in paths]
    children = [child for one in shown for strip in one.strips for child in strip.children]
    return {
        "dataset": heads[0]["dataset"],
        "recipe": heads[0]["recipe"],
        "miniature": any(map(is_miniature, heads)),
        "drawn_originals": any(head["miniature"] for head in heads),
        "noise_rates": {head["noise_rate"]: head["images"] for head in heads},
        "images": sum(head["images"] for head in heads),
        "originals": len(set(facts["source_id"].to_pylist())),
        "flags": _counted(facts["flag"]),
        "prompt_flags": _counted(facts["prompt_flag"]),
        "shown": {"originals": len(shown), "images": len(children)},
        "pictures": fingerprint(heads),
    }


def _counted(column: pa.ChunkedArray) -> dict[str, int]:
    return dict(sorted(Counter(filter(None, column.to_pylist())).items()))


def fingerprint(heads: Sequence[Mapping]) -> str:
    """A name for the very pictures of some sets: ticks that a browser keeps do not outlive a redrawing."""
    hashes = [shard["sha256"] for head in heads for shard in head["shards"]]
    hashes += [image_id for head in heads for image_id in head.get("left_out", [])]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()[:16]


def render_page(template: str, heading: Heading, numbers: Mapping, shown: Sequence[Family], *, extent: Extent) -> str:
    """The page of one data set and recipe as HTML."""
    children = [child for one in shown for strip in one.strips for child in strip.children]
    return (
        _environment()
        .from_string(template)
        .render(
            heading=heading,
            numbers=numbers,
            families=shown,
            extent=extent,
            head=HEAD,
            classes=sorted({(one.label, one.name) for one in shown}),
            rates=sorted({child.noise_rate for child in children}, key=float),
            flags=sorted({flag for child in children for flag in child.flags}),
            several=any(child.replicate for child in children),
        )
    )


def render_index(template: str, pages: Sequence[Mapping], titles: Mapping[str, str]) -> str:
    """The index as HTML. `pages`: numbers of every page; `titles`: of data sets."""
    return _environment().from_string(template).render(pages=pages, titles=titles)


def _environment() -> jinja2.Environment:
    return page_environment(
        {
            "thousands": "{:,}".format,
            "decimal": lambda value: "–" if value is None else f"{value:.3f}".replace("-", "−"),
        }
    )
