"""Which job makes each file of a build, as rules/*.smk have it (standard library only).

A dry run of Snakemake's says the same and takes longer; tests hold the two together. Paths: results/README.md.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from sgid.dataset_registry import DatasetRegistry
from sgid.matrix import PREDICTION_TESTS, TABLE_FILES, Matrix
from sgid.method_images import MethodImages
from sgid.planning.amounts import Amounts
from sgid.planning.filters import Filters
from sgid.planning.graph import Graph, Job
from sgid.planning.pages import AUGMENT, Pages
from sgid.planning.plots import Plots
from sgid.presentation import Presentation
from sgid.references import ConfigError
from sgid.training_settings import validation_of

SPLITS = ("train.parquet", "validation.parquet", "test.parquet", "index.csv", "labels.csv", "left_out.csv")
SHARD = r"shard-(?P<i>\d+)-of-(?P<n>\d+)\.parquet"
WRITTEN = ("beam", "nucleus")  # by BLIP, in one job; the other samplers take what is listed


def grammar(*rules: tuple[str, Callable]) -> list[tuple[re.Pattern, Callable]]:
    """Patterns of paths, {name} standing for one part of a path, with what makes such a path."""
    return [(re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", pattern)), make) for pattern, make in rules]


class Build:
    """The jobs of a configuration; `amounts` says how much work each is."""

    def __init__(self, matrix: Matrix, amounts: Amounts | None = None):
        self.matrix, self.amounts = matrix, amounts or Amounts(matrix)
        self.data = DatasetRegistry(matrix.config["datasets"])
        self.methods, self.shown, self.plots = MethodImages(matrix), Presentation(matrix), Plots(matrix)
        self.filters, self.pages = Filters(matrix, self.amounts), Pages(matrix)
        self.grammar = grammar(
            (r"resources/datasets/{dataset}/archives\.json", self._fetch_dataset),
            (r"resources/models/{model}/model\.json", self._fetch_model),
            (r"results/datasets/{dataset}/(classes\.csv|preview\.md)", self._name_classes),
            (rf"results/datasets/{{dataset}}/({'|'.join(map(re.escape, SPLITS))})", self._prepare_dataset),
            (r"results/captions/{dataset}/sentences\.yaml", self._write_sentences),
            (rf"results/captions/{{dataset}}/{{source}}/{{sampler}}/{SHARD}", self._captions),
            (rf"results/similarity/{{dataset}}/{{source}}/{{sampler}}/{SHARD}", self._score_captions),
            (r"results/prompts/{dataset}/{recipe}\.parquet", self._build_prompts),
            (rf"results/images/{{dataset}}/{{recipe}}/noise-{{noise}}/{SHARD}", self._draw_images),
            (r"results/images/{dataset}/{recipe}/noise-{noise}\.json", self._collect_images),
            (r"results/selection/{dataset}/{recipe}/noise-{noise}/seed-(?P<seed>\d+)\.json", self._train_candidate),
            (r"results/selection/{dataset}/methods/{method}\.json", self._choose_recipe),
            (r"results/selection/{dataset}/{recipe}\.json", self._choose_noise),
            (
                r"results/(runs|predictions)/{dataset}/{backbone}/{method}/seed-(?P<seed>\d+)\.\w+",
                self._train_classifier,
            ),
            (r"results/consistency/{figure}/{dataset}/{method}\.csv", self._measure_consistency),
            (r"results/cases/{figure}/{dataset}\.parquet", self._perturb_images),
            (r"results/tables/{name}\.runs\.csv", self._collect_runs),
            (r"results/tables/{name}\.tests\.csv", self._test_significance),
            (r"results/tables/{name}\.predictions\.csv", self._compare_predictions),
            (r"results/tables/(?P<name>[^/.]+)\.\w+", self._render_table),
            (r"results/figures/(?P<name>[^/.]+)\.\w+", self.plots.job),
            *self.filters.grammar,
            *self.pages.grammar,
        )

    def graph(self, names: Iterable[str]) -> Graph:
        """The jobs behind some tables and figures, or `augment`, those that they share once."""
        return Graph.behind([path for name in names for path in self._targets(name)], self.producer)

    def _targets(self, name: str) -> list[str]:
        if name == AUGMENT:
            return self.pages.targets()
        return [*self.matrix.targets(name), *self.filters.paths.reports(name)]

    def producer(self, path: str) -> Job | None:
        """The job that makes a file; None for a file that is given."""
        for pattern, make in self.grammar:
            if found := pattern.fullmatch(path):
                return replace(make(**found.groupdict()), names=found.groupdict())
        if path.startswith("results/"):
            raise ConfigError(f"{path}: no rule is known that makes it; tell sgid.planning.build of it")
        return None

    def _fetch_dataset(self, dataset: str) -> Job:
        work = self.amounts.archives(dataset)
        return Job("fetch_dataset", dataset, (*self.data.record(dataset),), work=work)

    def _fetch_model(self, model: str) -> Job:
        record = f"resources/models/{model}/model.json"
        return Job("fetch_model", model, (record,), work=self.amounts.weights(model))

    def _prepare_dataset(self, dataset: str) -> Job:
        outputs = tuple(f"results/datasets/{dataset}/{name}" for name in SPLITS)
        return Job(
            "prepare_dataset", dataset, outputs, (*self.data.record(dataset),), work=self.amounts.tables(dataset)
        )

    def _name_classes(self, dataset: str) -> Job:
        outputs = tuple(f"results/datasets/{dataset}/{name}" for name in ("classes.csv", "preview.md"))
        inputs = tuple(f"results/datasets/{dataset}/{name}" for name in ("labels.csv", "index.csv", "left_out.csv"))
        return Job("name_classes", dataset, outputs, inputs)

    def _write_sentences(self, dataset: str) -> Job:
        inputs = (classes_of(dataset), *self.matrix.model("t5"))
        outputs = (f"results/captions/{dataset}/sentences.yaml",)
        work = self.amounts.sentences(dataset)
        return Job("write_sentences", dataset, outputs, inputs, work=work)

    def _captions(self, dataset: str, source: str, sampler: str, i: str, n: str) -> Job:
        images, shard = self.matrix.images_named(dataset, source), f"shard-{i}-of-{n}"
        folder, work = f"results/captions/{dataset}/{source}", self.amounts.captions(dataset, int(i))
        if sampler in WRITTEN:
            outputs = tuple(f"{folder}/{each}/{shard}.parquet" for each in WRITTEN)
            part = f"{dataset}/{source}/{shard}"
            return Job("write_captions", part, outputs, (*images, *self.matrix.model("blip")), work=work)
        listed = (f"results/captions/{dataset}/sentences.yaml",) if sampler == "sentences" else ()
        part, outputs = f"{dataset}/{source}/{sampler}/{shard}", (f"{folder}/{sampler}/{shard}.parquet",)
        return Job("list_captions", part, outputs, (*images, classes_of(dataset), *listed))

    def _score_captions(self, dataset: str, source: str, sampler: str, i: str, n: str) -> Job:
        part = f"{dataset}/{source}/{sampler}/shard-{i}-of-{n}"
        model = self.matrix.model(self.matrix.scoring_model)
        images = self.matrix.images_named(dataset, source)
        inputs = (*images, f"results/captions/{part}.parquet", classes_of(dataset), *model)
        work = self.amounts.scores(dataset, int(i))
        return Job("score_captions", part, (f"results/similarity/{part}.parquet",), inputs, work=work)

    def _build_prompts(self, dataset: str, recipe: str) -> Job:
        captions = self.matrix.caption_shards(dataset, recipe)
        inputs = (*self.matrix.source_tables(dataset, recipe), *captions, classes_of(dataset))
        part = f"{dataset}/{recipe}"
        return Job("build_prompts", part, (f"results/prompts/{part}.parquet",), inputs)

    def _draw_images(self, dataset: str, recipe: str, noise: str, i: str, n: str) -> Job:
        part = f"{dataset}/{recipe}/noise-{noise}/shard-{i}-of-{n}"
        inputs = (
            *self.matrix.source_tables(dataset, recipe),
            f"results/prompts/{dataset}/{recipe}.parquet",
            *self.matrix.choice_for(dataset, recipe),
            *self.matrix.model(self.matrix.recipes[recipe]["model"]),
        )
        work = self.amounts.drawing(dataset, recipe, noise, int(i))
        return Job("draw_images", part, (f"results/images/{part}.parquet",), inputs, work=work)

    def _collect_images(self, dataset: str, recipe: str, noise: str) -> Job:
        if "filters" in self.matrix.recipes[recipe]:
            return self.filters.collect(dataset, recipe, noise)
        shards, part = self.matrix.image_shards(dataset, recipe, noise), f"{dataset}/{recipe}/noise-{noise}"
        return Job("collect_images", part, (f"results/images/{part}.json",), (*shards,))

    def _train_candidate(self, dataset: str, recipe: str, noise: str, seed: str) -> Job:
        seeds = self._together(self.matrix.config["selection"]["seeds"], seed)
        backbone = self.matrix.config["selection"]["backbone"]
        part = f"{dataset}/{recipe}/noise-{noise}"
        inputs = (
            *(f"results/datasets/{dataset}/{name}" for name in ("train.parquet", "validation.parquet", "classes.csv")),
            f"results/images/{part}.json",
            *self.matrix.model(self.matrix.config["backbones"][backbone].get("weights")),
        )
        outputs = tuple(f"results/selection/{part}/seed-{each}.json" for each in seeds)
        work = self.amounts.training(dataset, backbone, None, recipe=recipe, runs=len(seeds))
        return Job("train_candidate", f"{part}/{self._seeds(seed)}", outputs, inputs, work=work)

    def _choose_noise(self, dataset: str, recipe: str) -> Job:
        candidates, part = self.matrix.candidates(dataset, recipe), f"{dataset}/{recipe}"
        return Job("choose_noise", part, (f"results/selection/{part}.json",), (*candidates,))

    def _choose_recipe(self, dataset: str, method: str) -> Job:
        inputs, outputs = self.methods.candidates(dataset, method), self.methods.choice(dataset, method)
        return Job("choose_recipe", f"{dataset}/{method}", (*outputs,), (*inputs,))

    def _train_classifier(self, dataset: str, backbone: str, method: str, seed: str) -> Job:
        seeds, part = self._together(self.matrix.config["seeds"], seed), f"{dataset}/{backbone}/{method}"
        inputs = (
            *validation_of(self.matrix.config, dataset, method),
            *self.methods.sets(dataset, method),
            *self.methods.choice(dataset, method),
            *self.matrix.model(self.matrix.config["backbones"][backbone].get("weights")),
            *(f"results/datasets/{dataset}/{name}" for name in ("train.parquet", "test.parquet", "classes.csv")),
        )
        outputs = tuple(
            f"results/{folder}/{part}/seed-{each}.{ending}"
            for folder, ending in (("runs", "json"), ("predictions", "parquet"))
            for each in seeds
        )
        recipes = self.matrix.recipes_of(method)
        recipe = recipes[0] if recipes else None
        work = self.amounts.training(dataset, backbone, method, recipe=recipe, runs=len(seeds))
        return Job("train_classifier", f"{part}/{self._seeds(seed)}", outputs, inputs, work=work)

    def _together(self, seeds: list[int], seed: str) -> list[int]:
        """The seeds that one job trains."""
        return seeds if self.matrix.config["training"]["pack_seeds"] else [int(seed)]

    def _seeds(self, seed: str) -> str:
        return "seeds" if self.matrix.config["training"]["pack_seeds"] else f"seed-{seed}"

    def _measure_consistency(self, figure: str, dataset: str, method: str) -> Job:
        entry, part = self.matrix.entry(figure), f"{figure}/{dataset}/{method}"
        recipe = self.matrix.image_recipe(entry, method)
        inputs = (
            *(f"results/datasets/{dataset}/{name}" for name in ("train.parquet", "classes.csv")),
            *self.matrix.image_sets(dataset, recipe),
            *self.matrix.choice_among(dataset, recipe),
            *self.matrix.model(entry.get("encoder", "clip")),
        )
        work = self.amounts.measuring(figure, dataset)
        return Job("measure_consistency", part, (f"results/consistency/{part}.csv",), inputs, work=work)

    def _perturb_images(self, figure: str, dataset: str) -> Job:
        part, inputs = f"{figure}/{dataset}", (f"results/datasets/{dataset}/train.parquet",)
        return Job("perturb_images", part, (f"results/cases/{part}.parquet",), inputs)

    def _collect_runs(self, name: str) -> Job:
        runs = tuple(run.path for run in self.matrix.runs([name]))
        return Job("collect_runs", name, (f"results/tables/{name}.runs.csv",), runs)

    def _test_significance(self, name: str) -> Job:
        part, outputs = f"tables/{name}", (f"results/tables/{name}.tests.csv",)
        return Job("test_significance", part, outputs, (f"results/tables/{name}.runs.csv",))

    def _compare_predictions(self, name: str) -> Job:
        predictions = [run.predictions for run in self.shown.starred_runs(name)]
        inputs = (*(f"results/tables/{name}.{each}.csv" for each in ("runs", "tests")), *predictions)
        outputs = (f"results/tables/{name}{PREDICTION_TESTS}",)
        return Job("compare_predictions", name, outputs, inputs)

    def _render_table(self, name: str) -> Job:
        outputs = tuple(f"results/tables/{name}{ending}" for ending in TABLE_FILES if ending != ".tests.csv")
        inputs = tuple(f"results/tables/{name}.{each}.csv" for each in ("runs", "tests"))
        return Job("render_table", f"tables/{name}", outputs, inputs)


def classes_of(dataset: str) -> str:
    """The names of a data set's classes."""
    return f"results/datasets/{dataset}/classes.csv"
