"""The jobs behind `augment` that show and hand on pictures, as rules/gallery.smk has them (standard library only)."""

from collections.abc import Callable

from sgid.matrix import Matrix
from sgid.page_paths import ImagePages
from sgid.planning.graph import Job

AUGMENT = "augment"  # a target beside tables and figures


class Pages:
    """The looking-at and handing-on side of a build."""

    def __init__(self, matrix: Matrix):
        self.matrix = matrix

    @property
    def grammar(self) -> tuple[tuple[str, Callable[..., Job]], ...]:
        """Patterns of the paths of pages and exports, with what makes such a path."""
        exported = r"results/exports/{dataset}/{recipe}/noise-{noise}"
        return (
            (r"results/pages/{dataset}/{recipe}\.(html|json)", self._show),
            (rf"{exported}/imagefolder\.zip", self._export_imagefolder),
            (rf"{exported}/(data\.parquet|README\.md)", self._export_parquet),
        )

    def targets(self) -> list[str]:
        """What `augment` asks for. Raises ConfigError where the configuration names no folder of the user's own."""
        return ImagePages(self.matrix).augment_targets()

    def _show(self, dataset: str, recipe: str) -> Job:
        sets, originals = self.matrix.image_sets(dataset, recipe), self.matrix.source_tables(dataset, recipe)
        part = f"{dataset}/{recipe}"
        outputs = tuple(f"results/pages/{part}.{ending}" for ending in ("html", "json"))
        return Job("show_images", part, outputs, (*originals, *sets, f"results/datasets/{dataset}/classes.csv"))

    def _export_imagefolder(self, dataset: str, recipe: str, noise: str) -> Job:
        return export("export_imagefolder", f"{dataset}/{recipe}/noise-{noise}", "imagefolder.zip")

    def _export_parquet(self, dataset: str, recipe: str, noise: str) -> Job:
        return export("export_parquet", f"{dataset}/{recipe}/noise-{noise}", "data.parquet", "README.md")


def export(rule: str, part: str, *names: str) -> Job:
    """The job that writes some files of an export; `part`: data set, recipe and rate as a path."""
    inputs = (f"results/images/{part}.json", f"results/datasets/{part.partition('/')[0]}/classes.csv")
    return Job(rule, part, tuple(f"results/exports/{part}/{name}" for name in names), inputs)
