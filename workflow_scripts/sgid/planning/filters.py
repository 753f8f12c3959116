"""The jobs that filter images: what makes each of their files, as rules/filter.smk has it (standard library only)."""

from collections.abc import Callable

from sgid.filter_paths import FOLDER, ImageFilters
from sgid.matrix import Matrix
from sgid.planning.amounts import Amounts
from sgid.planning.graph import Job

PART = rf"{FOLDER}/{{dataset}}/{{recipe}}"
JUDGED, LEFT_OUT = ("json", "parquet"), ("rejects", "verdicts")
REPORTED, SHOWN = ("csv", "md", "html"), ("png", "pdf")


class Filters:
    """The filters' side of a build."""

    def __init__(self, matrix: Matrix, amounts: Amounts):
        self.matrix, self.amounts, self.paths = matrix, amounts, ImageFilters(matrix)

    @property
    def grammar(self) -> tuple[tuple[str, Callable[..., Job]], ...]:
        """Patterns of the paths below the filters' folder, with what makes such a path."""
        return (
            (rf"{PART}/clip\.parquet", self._score),
            (rf"{PART}/seed-(?P<seed>\d+)\.({'|'.join(JUDGED)})", self._judge),
            (rf"{PART}/({'|'.join(LEFT_OUT)})\.csv", self._reject),
            (rf"{PART}\.({'|'.join(REPORTED)})", self._report),
            (rf"{PART}\.({'|'.join(SHOWN)})", self._show),
        )

    def collect(self, dataset: str, recipe: str, noise: str) -> Job:
        """The job that makes the set of a filtered recipe."""
        part, inputs = f"{dataset}/{recipe}/noise-{noise}", (*self._taken(dataset, recipe), rejects(dataset, recipe))
        return Job("filter_images", part, (f"results/images/{part}.json",), inputs)

    def _score(self, dataset: str, recipe: str) -> Job:
        inputs = (*self._scored(dataset, recipe), *originals(dataset, "train"), *self.matrix.model("clip"))
        part, work = f"{dataset}/{recipe}", self.amounts.comparing(dataset, recipe)
        return Job("score_images", part, (f"{FOLDER}/{part}/clip.parquet",), inputs, work=work)

    def _judge(self, dataset: str, recipe: str, seed: str) -> Job:
        backbone = self.matrix.config["backbones"][self.matrix.config["selection"]["backbone"]]
        weights = self.matrix.model(backbone.get("weights"))
        inputs = (*self._scored(dataset, recipe), *originals(dataset, "train", "validation"), *weights)
        part, work = f"{dataset}/{recipe}/seed-{seed}", self.amounts.judging(dataset, recipe)
        outputs = tuple(f"{FOLDER}/{part}.{ending}" for ending in JUDGED)
        return Job("judge_images", part, outputs, inputs, work=work)

    def _reject(self, dataset: str, recipe: str) -> Job:
        by_chance = recipe in self.paths.filtered(by_chance=True)
        rule, part = "reject_by_chance" if by_chance else "reject_images", f"{dataset}/{recipe}"
        by = [self.paths.pattern(dataset, recipe)] if by_chance else self._asked(dataset, recipe)
        outputs = tuple(f"{FOLDER}/{part}/{name}.csv" for name in LEFT_OUT)
        return Job(rule, part, outputs, (*self._taken(dataset, recipe), *by))

    def _report(self, dataset: str, recipe: str) -> Job:
        left_out = [f"{FOLDER}/{dataset}/{recipe}/{name}.csv" for name in LEFT_OUT]
        inputs = (*self._taken(dataset, recipe), *self._asked(dataset, recipe), *left_out, *originals(dataset))
        outputs = tuple(f"{FOLDER}/{dataset}/{recipe}.{ending}" for ending in REPORTED)
        return Job("report_rejects", f"{dataset}/{recipe}", outputs, inputs)

    def _show(self, dataset: str, recipe: str) -> Job:
        inputs = (*self._taken(dataset, recipe), *originals(dataset, "train"), rejects(dataset, recipe))
        outputs = tuple(f"{FOLDER}/{dataset}/{recipe}.{ending}" for ending in SHOWN)
        return Job("show_rejects", f"{dataset}/{recipe}", outputs, inputs)

    def _scored(self, dataset: str, recipe: str) -> list[str]:
        """What is read of a recipe whose pictures are scored."""
        return [*self.matrix.image_sets(dataset, recipe), *self.matrix.choice_among(dataset, recipe)]

    def _taken(self, dataset: str, recipe: str) -> list[str]:
        """What is read of the recipe that a filtered one takes its pictures from."""
        return self._scored(dataset, self.paths.drawn(recipe))

    def _asked(self, dataset: str, recipe: str) -> list[str]:
        """What the rules of a filter are asked of."""
        return [*self.paths.clip_scores(dataset, recipe), *self.paths.judgements(dataset, recipe)]


def originals(dataset: str, *splits: str) -> list[str]:
    """The tables of some splits, and the names of the classes."""
    return [f"results/datasets/{dataset}/{name}" for name in (*(f"{split}.parquet" for split in splits), "classes.csv")]


def rejects(dataset: str, recipe: str) -> str:
    """The reject list of a filtered recipe."""
    return f"{FOLDER}/{dataset}/{recipe}/rejects.csv"
