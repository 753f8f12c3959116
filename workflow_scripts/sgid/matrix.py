"""Registries to runs to paths: which files the configured tables and figures need (standard library only).

Imported while Snakemake reads the rules, so it must stay light. A run is (data set, backbone, method, seed); a method
is an image recipe and/or an online transform; a table is a named list of runs.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from math import ceil

from sgid.dataset_registry import DatasetRegistry
from sgid.model_registry import identity, record_of
from sgid.recipes import ORIGINALS, resolved
from sgid.references import SAMPLERS_OF, check_references, check_trained

TINY_MODELS = "resources/miniature/"
CHOSEN = "chosen"
TABLE_FILES = (".csv", ".md", ".tex", ".html", ".tests.csv")
PREDICTION_TESTS = ".predictions.csv"  # of tables that test a row; needs every run, so it has no partial form
FIGURE_FILES = (".pdf", ".png")


@dataclass(frozen=True, order=True)
class Run:
    """One training of one classifier."""

    dataset: str
    backbone: str
    method: str
    seed: int

    @property
    def path(self) -> str:
        """Where the run's metrics and provenance stand."""
        return f"results/runs/{self.dataset}/{self.backbone}/{self.method}/seed-{self.seed}.json"

    @property
    def predictions(self) -> str:
        """Where what the run says of each test picture stands."""
        return f"results/predictions/{self.dataset}/{self.backbone}/{self.method}/seed-{self.seed}.parquet"


def shards_in(folder: str, count: int) -> list[str]:
    """The paths of `count` shards in a folder."""
    return [f"{folder}/shard-{i}-of-{count}.parquet" for i in range(count)]


class Matrix:
    """The configured experiments; every answer is a pure function of the configuration.

    Raises ConfigError, with the path of the offending key, where one registry names what another does not define.
    """

    def __init__(self, config: dict):
        check_references(config)
        self.config = config
        self.registry = DatasetRegistry(config["datasets"])
        self.datasets = self.registry.sizes()
        check_trained(config, self.datasets)
        self.tables, self.figures = config["tables"], config["figures"]

    @cached_property
    def recipes(self) -> dict[str, dict]:
        """Every image recipe with its defaults filled in, and with the fields of the one that it filters, if any."""
        return resolved(self.config["recipes"])

    def recipes_of(self, method: str) -> list[str]:
        """The image recipes of a method: none for the backbone and the online transforms, several to choose from."""
        images = self.config["methods"][method].get("images", [])
        return [images] if isinstance(images, str) else images

    def noise_rates(self, recipe: str) -> list[str]:
        """The noise rates a recipe is drawn at, as in its paths; `chosen` where validation of another decides."""
        noise = self.recipes[recipe]["noise"]
        return [CHOSEN] if isinstance(noise, dict) else [noise] if isinstance(noise, str) else noise

    def shards(self, dataset: str, recipe: str | None = None) -> int:
        """Number of chunks of a data set, or of a recipe's images of it."""
        entry = self.datasets[dataset]
        limit = self.recipes[recipe]["per_class"] if recipe else None
        images = entry["train"] if limit is None else min(entry["train"], limit * entry["classes"])
        return ceil(images / self.config["chunk"])

    def caption_shards(self, dataset: str, recipe: str) -> list[str]:
        """The scored captions, of every sampler that a recipe's prompts need."""
        folder, count = f"results/similarity/{dataset}/{self.recipes[recipe]['source']}", self.shards(dataset)
        samplers = SAMPLERS_OF[self.recipes[recipe]["captions"]]
        return [path for sampler in samplers for path in shards_in(f"{folder}/{sampler}", count)]

    def caption_files(self, dataset: str, samplers: list[str]) -> list[str]:
        """The captions of the originals by some samplers."""
        folder, count = f"results/captions/{dataset}/{ORIGINALS}", self.shards(dataset)
        return [path for sampler in samplers for path in shards_in(f"{folder}/{sampler}", count)]

    def source_tables(self, dataset: str, recipe: str) -> list[str]:
        """The images that a recipe redraws."""
        return self.images_named(dataset, self.recipes[recipe]["source"])

    def images_named(self, dataset: str, source: str) -> list[str]:
        """The table of the originals, or the set that the recipe of that name draws."""
        return (
            [f"results/datasets/{dataset}/train.parquet"] if source == ORIGINALS else self.image_sets(dataset, source)
        )

    def image_shards(self, dataset: str, recipe: str, noise: str) -> list[str]:
        """The shards of one set of generated images; of a filtered one, those of all that it may take them from."""
        if drawn := self.recipes[recipe].get("filters"):
            return [shard for rate in self.noise_rates(drawn) for shard in self.image_shards(dataset, drawn, rate)]
        return shards_in(f"results/images/{dataset}/{recipe}/noise-{noise}", self.shards(dataset, recipe))

    def image_sets(self, dataset: str, recipe: str | None) -> list[str]:
        """The sets of a recipe, one a noise rate; none for None."""
        if recipe is None:
            return []
        return [f"results/images/{dataset}/{recipe}/noise-{noise}.json" for noise in self.noise_rates(recipe)]

    def choice_among(self, dataset: str, recipe: str | None) -> list[str]:
        """The file that says which set of a recipe to train with, where there are several."""
        several = recipe is not None and len(self.noise_rates(recipe)) > 1
        return [f"results/selection/{dataset}/{recipe}.json"] if several else []

    def choice_for(self, dataset: str, recipe: str) -> list[str]:
        """The file that says at which rate to draw, where validation of another recipe decides."""
        noise = self.recipes[recipe]["noise"]
        return [f"results/selection/{dataset}/{noise['as']}.json"] if isinstance(noise, dict) else []

    def candidates(self, dataset: str, recipe: str) -> list[str]:
        """The validation runs that a choice is made from."""
        return [
            f"results/selection/{dataset}/{recipe}/noise-{noise}/seed-{seed}.json"
            for noise, seed in product(self.noise_rates(recipe), self.config["selection"]["seeds"])
        ]

    def model(self, name: str | None) -> list[str]:
        """The record of a model's weights, in whose folder they lie: a folder of one's own, or the download."""
        return [] if name is None else [record_of(name, self.config["models"][name])]

    def model_identity(self, name: str) -> dict:
        """What a model is, whatever place its files come from."""
        return identity(name, self.config["models"][name])

    @property
    def scoring_model(self) -> str:
        """The model whose space captions and images are compared in."""
        return "blip_itm" if self.config["similarity"]["mode"] == "blip_itc" else "clip"

    def is_drawn(self, dataset: str) -> bool:
        """Whether a data set is of the drawn world."""
        return self.config["datasets"][dataset]["source"] == "drawn"

    def is_miniature(self, dataset: str) -> bool:
        """Whether results on a data set reproduce nothing: it is drawn, or the miniature's models are at work."""
        folders = (entry.get("folder") or "" for entry in self.config["models"].values())
        return self.is_drawn(dataset) or any(folder.startswith(TINY_MODELS) for folder in folders)

    @property
    def names(self) -> list[str]:
        """Every table and figure, each a target of its own."""
        return [*self.tables, *self.figures]

    def entry(self, name: str) -> dict:
        """A table or figure as the configuration declares it."""
        return (self.tables | self.figures)[name]

    @cache  # noqa: B019 - one Matrix lives as long as the process
    def cells(self, name: str) -> list[dict]:
        """The planned cells in display order: backbone, group, row, dataset, variant and the method that fills it."""
        entry = self.entry(name)
        groups = entry.get("groups") or {"": entry["rows"]}
        rows = [(group, row) for group, members in groups.items() for row in members]
        axes = product(entry.get("backbones", []), rows, entry["datasets"], entry.get("variants") or {"": {}})
        return [
            {
                "backbone": backbone,
                "group": group,
                "row": row,
                "dataset": dataset,
                "variant": variant,
                "method": self._method(entry, row=row, dataset=dataset, variant=variant),
            }
            for backbone, (group, row), dataset, variant in axes
        ]

    @staticmethod
    def _method(entry: dict, *, row: str, dataset: str, variant: str) -> str:
        if variant:
            return entry["variants"][variant].get(row, row)
        return entry.get("instead", {}).get(dataset, {}).get(row, row)

    def runs(self, names: Iterable[str]) -> list[Run]:
        """Every training run of the named tables and figures, each once, in display order."""
        found = (
            Run(cell["dataset"], cell["backbone"], cell["method"], seed)
            for name in names
            for cell in self.cells(name)
            for seed in self.config["seeds"]
        )
        return list(dict.fromkeys(found))

    def figure_recipes(self, name: str) -> list[tuple[str, str]]:
        """(dataset, recipe) pairs whose pictures a figure shows or measures."""
        entry = self.figures.get(name, {})
        if "backbones" in entry:
            return []
        pairs = product(entry.get("datasets", []), entry.get("rows", []))
        named = [(dataset, self.image_recipe(entry, row)) for dataset, row in pairs]
        return [(dataset, recipe) for dataset, recipe in named if recipe]

    def image_recipe(self, entry: dict, row: str) -> str | None:
        """The recipe whose images stand for a figure's row: named by `images`, its method's only one, or the row."""
        if row in entry.get("images", {}):
            return entry["images"][row]
        return next(iter(self.recipes_of(row)), None) if row in self.config["methods"] else row

    def drawn(self, name: str) -> list[tuple[str, str]]:
        """(dataset, recipe) pairs that a table or figure needs drawn, with what recipes redraw or filter."""
        pairs = [(cell["dataset"], recipe) for cell in self.cells(name) for recipe in self.recipes_of(cell["method"])]
        pairs += self.figure_recipes(name)
        behind = [
            (dataset, self.recipes[recipe].get(key)) for dataset, recipe in pairs for key in ("source", "filters")
        ]
        return list(dict.fromkeys([*pairs, *(pair for pair in behind if pair[1] not in (ORIGINALS, None))]))

    def files(self, name: str) -> list[str]:
        """What a reader opens: the rendered table or figure."""
        if name in self.tables:
            tests = (PREDICTION_TESTS,) if "star" in self.tables[name] else ()
            return [f"results/tables/{name}{suffix}" for suffix in (*TABLE_FILES, *tests)]
        return [f"results/figures/{name}{suffix}" for suffix in FIGURE_FILES]

    def targets(self, name: str) -> list[str]:
        """The files of a table or figure, and the image shards behind it: a lost shard is noticed and drawn again."""
        shards = (
            shard
            for dataset, recipe in self.drawn(name)
            for noise in self.noise_rates(recipe)
            for shard in self.image_shards(dataset, recipe, noise)
        )
        return [*self.files(name), *dict.fromkeys(shards)]

    def build(self) -> Iterator[str]:
        """Everything that the configured build makes."""
        for name in self.config["build"]:
            yield from self.targets(name)
