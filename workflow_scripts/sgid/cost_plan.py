"""Which files tell what a method costs on a data set, stage by stage (standard library only).

Seconds stand in Snakemake's benchmarks of the jobs that write captions, score and draw them, and in the records of the
candidates that choose a noise rate. What training took is in the runs themselves.
"""

from sgid.filter_paths import ImageFilters
from sgid.found_files import since
from sgid.matrix import Matrix
from sgid.model_needs import WRITER_OF, with_those_behind
from sgid.references import SAMPLERS_OF

CAPTIONS, PICTURES, CHOICE, TRAINING = STAGES = ("captions", "pictures", "choice of noise", "training")
BENCHMARKS = "results/benchmarks"


class CostPlan:
    """The costs' side of a Matrix: what was computed before a method's first run, whatever other methods share it."""

    def __init__(self, matrix: Matrix):
        self.matrix = matrix
        self.filters = ImageFilters(matrix)

    def ledger(self, name: str) -> list[dict]:
        """A row a file: the backbone, row and data set of a figure that it is a cost of, its stage and its path."""
        keys = ("backbone", "row", "dataset")
        return [
            {key: cell[key] for key in keys} | {"stage": stage, "path": path}
            for cell in self.matrix.cells(name)
            for stage, path in self.files(cell["dataset"], cell["method"])
        ]

    def found(self, name: str) -> dict[str, int]:
        """The files of the ledger that are there, and since when: none is made, or its job run again, for its sake."""
        return since(entry["path"] for entry in self.ledger(name))

    def files(self, dataset: str, method: str) -> list[tuple[str, str]]:
        """(stage, path) of every file with seconds spent on a method before it trains, each path once."""
        named = self._named(method)
        recipes = sorted(with_those_behind(self.matrix.recipes, named))
        chosen = [name for name in recipes if len(self.matrix.noise_rates(name)) > 1]
        chosen += named if len(named) > 1 else []  # validation chooses among the recipes too
        captions = [(CAPTIONS, path) for name in recipes for path in self._captions(dataset, name)]
        pictures = [(PICTURES, path) for name in recipes for path in self._pictures(dataset, name)]
        choices = [(CHOICE, path) for name in chosen for path in self.matrix.candidates(dataset, name)]
        return list(dict.fromkeys([*captions, *pictures, *choices]))

    def _named(self, method: str) -> list[str]:
        """The recipes of a method: none, one, or several to choose from."""
        images = self.matrix.config["methods"][method].get("images", [])
        return [images] if isinstance(images, str) else images

    def _captions(self, dataset: str, recipe: str) -> list[str]:
        """Benchmarks of what wrote a recipe's captions, where a model did, and of what scored them."""
        source, captions = self.matrix.recipes[recipe]["source"], self.matrix.recipes[recipe]["captions"]
        count = self.matrix.shards(dataset)
        writers = {
            "t5": [f"{BENCHMARKS}/write_sentences/{dataset}.tsv"],
            "blip": benchmarks(f"write_captions/{dataset}/{source}", count),
        }
        folders = [f"score_captions/{dataset}/{source}/{sampler}" for sampler in SAMPLERS_OF[captions]]
        written = writers.get(WRITER_OF.get(captions, ""), [])
        return [*written, *(path for folder in folders for path in benchmarks(folder, count))]

    def _pictures(self, dataset: str, recipe: str) -> list[str]:
        """Benchmarks of what drew a recipe's pictures, at every noise rate, and of what scored them for its filter."""
        rates = self.matrix.noise_rates(recipe)
        shards = [shard for rate in rates for shard in self.matrix.image_shards(dataset, recipe, rate)]
        drawn = [shard.replace("results/images/", f"{BENCHMARKS}/draw_images/", 1) for shard in shards]
        return [f"{path.removesuffix('.parquet')}.tsv" for path in drawn] + self.filters.benchmarks(dataset, recipe)


def benchmarks(folder: str, count: int) -> list[str]:
    """The benchmarks of `count` shards."""
    return [f"{BENCHMARKS}/{folder}/shard-{i}-of-{count}.tsv" for i in range(count)]
