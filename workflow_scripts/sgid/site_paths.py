"""Which pages the site of the configured build has, and the files behind them (standard library only)."""

import os
from pathlib import Path

from sgid.benchmark_files import benchmarks_on, gaps
from sgid.filter_paths import ImageFilters
from sgid.found_files import since
from sgid.matrix import PREDICTION_TESTS, Matrix
from sgid.method_images import MethodImages
from sgid.page_paths import ImagePages
from sgid.presentation import Presentation

# The text under a figure, below report/: that of its kind in Snakemake's report, by the kind's name but for these.
CAPTIONS = {
    "overview": "figure1",
    "similarity": "figure3",
    "plane": "consistency",
    "cases": "figure4",
    "grid": "figure5",
}
WITH_NUMBERS = ("noise", "classes", "curves", "cost")  # kinds that write what they draw as CSV too


class SitePages:
    """The published side of a Matrix: the tables and figures of `build`, what they were chosen by, what they cost.

    partial: from the runs, figures and choices that are there, with nothing to be run.
    """

    def __init__(self, matrix: Matrix, *, partial: bool = False):
        self.matrix = matrix
        self.shown = Presentation(matrix)
        self.partial = partial
        self.folder = "results/partial/site" if partial else "results/site"
        self.build: list[str] = matrix.config["build"]
        self.drawn = ImagePages(matrix).drawn()

    def tables(self) -> list[str]:
        """The tables of the build, in its order."""
        return [name for name in self.build if name in self.matrix.tables]

    def figures(self) -> list[str]:
        """The figures of the build, in its order."""
        figures = [name for name in self.build if name in self.matrix.figures]
        return [name for name in figures if Path(f"results/figures/{name}.png").exists()] if self.partial else figures

    def files(self) -> list[str]:
        """What a reader opens: the index, a page for each table, pages of pictures, and copies of the figures."""
        return [
            f"{self.folder}/index.html",
            *(f"{self.folder}/tables/{name}.html" for name in self.tables()),
            *self.galleries(),
            *self.pictures(),
        ]

    def pictures(self) -> list[str]:
        """Copies of the figures inside the folder; a partial site shows them where they are, and asks for none."""
        names = [] if self.partial else self.figures()
        return [f"{self.folder}/figures/{name}.{suffix}" for name in names for suffix in ("png", *self._others(name))]

    def _others(self, name: str) -> list[str]:
        return ["pdf", "csv"] if self.matrix.entry(name)["kind"] in WITH_NUMBERS else ["pdf"]

    def of_table(self, name: str, suffix: str) -> str:
        """One file of a table, of all its runs or of those that are there."""
        return f"results/{'partial' if self.partial else 'tables'}/{name}{suffix}"

    def predictions(self, name: str) -> list[str]:
        """The tests on the predictions behind a table: of one that tests a row, when all of its runs are there."""
        files = [] if self.partial else self.matrix.files(name)
        return [path for path in files if path.endswith(PREDICTION_TESTS)]

    def of_tables(self, suffix: str) -> list[str]:
        """One file of each table."""
        return [self.of_table(name, suffix) for name in self.tables()]

    def captions(self) -> list[str]:
        """The captions of the figures, as Snakemake's report has them."""
        return list(dict.fromkeys(f"report/{self.figure(name)['caption']}.rst" for name in self.figures()))

    def figure(self, name: str) -> dict:
        """Title, name of the caption, files beside the picture, and whether a figure shows the drawn world."""
        title, kind = self.matrix.entry(name)["title"], self.matrix.entry(name)["kind"]
        texts = {"name": name, "title": title, "caption": CAPTIONS.get(kind, kind)}
        return texts | {"others": self._others(name), "miniature": self.is_miniature(name)}

    def table(self, name: str) -> dict:
        """Title, titles of rows and columns, what its star compares, and whether a table shows the drawn world."""
        texts = {"name": name, "title": self.shown.title(name), "titles": self.shown.titles(name)}
        return texts | {"star": self.shown.star(name), "miniature": self.is_miniature(name), "partial": self.partial}

    def is_miniature(self, name: str) -> bool:
        """Whether any of its data sets is drawn."""
        return any(map(self.matrix.is_miniature, self.matrix.entry(name)["datasets"]))

    def layout(self) -> dict:
        """Everything that the index shows but for what stands in results."""
        return {
            "tables": [self.table(name) for name in self.tables()],
            "figures": [self.figure(name) for name in self.figures()],
            "figures_at": self._from_here("results/figures") if self.partial else "figures",
            "galleries": self._gallery_links(),
            "elsewhere": self.elsewhere(),
            "seeds": self.matrix.config["seeds"],
            "datasets": {name: self.matrix.config["datasets"][name]["title"] for name in self.datasets()},
            "miniature": any(map(self.is_miniature, self.build)),
            "partial": self.partial,
        }

    def _gallery_links(self) -> dict[str, str]:
        """Address from the index to what a page of pictures is of."""
        titles = self.matrix.config["datasets"]
        return {f"pictures/{Path(path).name}": titles[Path(path).stem]["title"] for path in self.galleries()}

    def datasets(self) -> list[str]:
        """The data sets of the build."""
        return list(dict.fromkeys(dataset for name in self.build for dataset in self.matrix.entry(name)["datasets"]))

    def chosen(self) -> list[tuple[str, str]]:
        """(dataset, recipe) pairs whose noise rate validation chooses: of the build, and those that it follows."""
        noise = {pair: self.matrix.recipes[pair[1]]["noise"] for pair in self.drawn}
        followed = [(dataset, rates["as"]) for (dataset, _), rates in noise.items() if isinstance(rates, dict)]
        return [pair for pair in dict.fromkeys([*self.drawn, *followed]) if self.matrix.choice_among(*pair)]

    def selections(self) -> list[str]:
        """What validation chose for the build: noise rates of recipes, recipes of methods."""
        rates = [path for pair in self.chosen() for path in self.matrix.choice_among(*pair)]
        cells = [(cell["dataset"], cell["method"]) for name in self.tables() for cell in self.matrix.cells(name)]
        chosen = [path for pair in dict.fromkeys(cells) for path in MethodImages(self.matrix).choice(*pair)]
        return list(dict.fromkeys([*rates, *chosen]))

    def needed_selections(self) -> list[str]:
        """Those to be made first: none for a partial site."""
        return [] if self.partial else self.selections()

    def found_selections(self) -> dict[str, int]:
        """Those that are there for a partial site, and since when: a choice made anew makes its index anew."""
        return since(self.selections()) if self.partial else {}

    def galleries(self) -> list[str]:
        """A page of pictures for each data set of which the build draws any; a partial site: of which any are there."""
        datasets = dict.fromkeys(dataset for dataset, _ in self.drawn)
        return [f"{self.folder}/pictures/{name}.html" for name in datasets if self.gallery(name)["drawn"]]

    def gallery(self, dataset: str) -> dict:
        """What a page of pictures shows of a data set: recipes of all its originals, or else those of some of them."""
        recipes = [recipe for of, recipe in self.drawn if of == dataset]
        whole = [recipe for recipe in recipes if self.matrix.recipes[recipe]["per_class"] is None]
        drawn = [self._drawn_by(recipe, dataset) for recipe in whole or recipes]
        return {
            "dataset": dataset,
            "title": self.matrix.config["datasets"][dataset]["title"],
            "originals": f"results/datasets/{dataset}/train.parquet",
            "classes": f"results/datasets/{dataset}/classes.csv",
            "drawn": [each for each in drawn if each["sets"]],
            "miniature": self.matrix.is_miniature(dataset),
            "partial": self.partial,
        }

    def _drawn_by(self, recipe: str, dataset: str) -> dict:
        page, sets = f"results/pages/{dataset}/{recipe}.html", self.matrix.image_sets(dataset, recipe)
        choice, rejects = self.matrix.choice_among(dataset, recipe), ImageFilters(self.matrix).rejects(dataset, recipe)
        return {
            "recipe": recipe,
            "title": self.shown.recipe_title(recipe),
            "source": self.matrix.recipes[recipe]["source"],
            "sets": list(since(sets)) if self.partial else sets,
            "choice": list(since(choice)) if self.partial else choice,
            "rejects": list(since(rejects)) if self.partial else rejects,
            "page": os.path.relpath(page, f"{self.folder}/pictures") if Path(page).exists() else "",
        }

    def gallery_files(self, dataset: str) -> list[str]:
        """The files behind a page of pictures."""
        gallery = self.gallery(dataset)
        behind = [path for each in gallery["drawn"] for kind in ("sets", "choice", "rejects") for path in each[kind]]
        return [gallery["originals"], gallery["classes"], *behind]

    def needed_files(self, dataset: str) -> list[str]:
        """Those to be made first: none for a partial site."""
        return [] if self.partial else self.gallery_files(dataset)

    def found_files(self, dataset: str) -> dict[str, int]:
        """Those that are there for a partial site, and since when."""
        return since(self.gallery_files(dataset)) if self.partial else {}

    def elsewhere(self) -> list[dict[str, str]]:
        """Pages outside the site's folder that are there already; the site links them and does not ask for them."""
        captions = {
            f"results/captions/{name}/report.html": f"Captions of {self.matrix.config['datasets'][name]['title']}"
            for name in self.datasets()
        }
        human = {f"results/tables/{name}.html": of["title"] for name, of in self.matrix.config["human"].items()}
        pages = {"results/pages/index.html": "Generated pictures beside their originals"} | captions | human
        found = {path: title for path, title in pages.items() if Path(path).exists()}
        return [{"title": title, "address": self._from_here(path)} for path, title in found.items()]

    def _from_here(self, path: str) -> str:
        return os.path.relpath(path, self.folder)

    def found_runs(self, name: str) -> dict[str, int]:
        """The records of a table's runs, which its page shows: those that are there, and since when."""
        return since(run.path for run in self.matrix.runs([name]))

    def found_benchmarks(self) -> dict[str, int]:
        """The benchmarks on the data sets of the build, and since when."""
        return since(benchmarks_on(self.datasets()))

    def gaps(self) -> list[tuple[str, str, int, int]]:
        """How many costly outputs of the build have no benchmark, and how many are not made, by rule and data set."""
        return gaps(self.costly())

    def costly(self) -> list[list[str]]:
        """[rule, dataset, output] of every drawn shard, filter's scores and training behind the build."""
        shards = [
            ["draw_images", dataset, path]
            for dataset, recipe in dict.fromkeys([*self.drawn, *self.chosen()])
            if "filters" not in self.matrix.recipes[recipe]
            for rate in self.matrix.noise_rates(recipe)
            for path in self.matrix.image_shards(dataset, recipe, rate)
        ]
        filters = ImageFilters(self.matrix)
        scored = dict.fromkeys((rule, of[0], path) for of in self.drawn for rule, path in filters.scored(*of))
        candidates = [["train_candidate", of[0], path] for of in self.chosen() for path in self.matrix.candidates(*of)]
        runs = [["train_classifier", run.dataset, run.path] for run in self.matrix.runs(self.build)]
        return shards + list(map(list, scored)) + candidates + runs
