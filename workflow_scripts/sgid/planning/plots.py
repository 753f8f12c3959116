"""The jobs that plot figures: what each kind reads (standard library only)."""

from collections.abc import Callable

from sgid.matrix import FIGURE_FILES, Matrix
from sgid.planning.graph import Job
from sgid.presentation import Presentation

RULE_OF = {
    "overview": "plot_overview",
    "similarity": "plot_similarity",
    "plane": "plot_consistency",
    "cases": "plot_cases",
    "grid": "plot_noise_guidance",
    "gallery": "plot_gallery",
    **{kind: f"plot_{kind}" for kind in ("noise", "classes", "curves", "cost")},
}
WITH_NUMBERS = ("noise", "classes", "curves", "cost")  # kinds that also write what they draw


class Plots:
    """The figures' side of a build."""

    def __init__(self, matrix: Matrix):
        self.matrix, self.shown = matrix, Presentation(matrix)

    def job(self, name: str) -> Job:
        """The job that plots a figure."""
        kind = self.matrix.entry(name)["kind"]
        endings = (*FIGURE_FILES, *([".csv"] if kind in WITH_NUMBERS else []))
        outputs = tuple(f"results/figures/{name}{ending}" for ending in endings)
        return Job(RULE_OF[kind], name, outputs, (*self._reads[kind](name),))

    @property
    def _reads(self) -> dict[str, Callable[[str], list[str]]]:
        shown = self.shown
        return {
            "overview": lambda name: [*self._runs(name), *self._pictures(name), *shown.figure_choices(name)],
            "similarity": shown.measurements,
            "plane": shown.measurements,
            "cases": lambda name: [*self._pictures(name), *self._cases(name), *shown.figure_choices(name)],
            "grid": self._pictures,
            "gallery": self._pictures,
            "noise": shown.figure_choices,
            "classes": lambda name: [run.path for run in self.matrix.runs([name])],
            "curves": lambda name: [run.path for run in self.matrix.runs([name])],
            "cost": self._runs,  # benchmarks are taken as they are found
        }

    def _runs(self, name: str) -> list[str]:
        return [f"results/tables/{name}.runs.csv"]

    def _pictures(self, name: str) -> list[str]:
        datasets = self.matrix.entry(name)["datasets"]
        originals = [
            f"results/datasets/{each}/{part}" for each in datasets for part in ("train.parquet", "classes.csv")
        ]
        return [*originals, *self.shown.figure_sets(name)]

    def _cases(self, name: str) -> list[str]:
        return [f"results/cases/{name}/{dataset}.parquet" for dataset in self.matrix.entry(name)["datasets"]]
