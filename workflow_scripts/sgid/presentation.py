"""What tables and figures show, and how it is titled (standard library only)."""

from itertools import product

from sgid.matrix import TABLE_FILES, Matrix, Run


class Presentation:
    """The display side of a Matrix: every answer is a pure function of the configuration."""

    def __init__(self, matrix: Matrix):
        self.matrix = matrix
        self.config = matrix.config

    def of_kind(self, kind: str) -> list[str]:
        """The figures of one kind."""
        return [name for name, entry in self.matrix.figures.items() if entry["kind"] == kind]

    def title(self, name: str) -> str:
        """The title of a table or figure."""
        return self.matrix.entry(name)["title"]

    def titles(self, name: str) -> dict[str, dict[str, str]]:
        """Titles of rows, data sets and backbones, as the paper prints them."""
        entry, methods = self.matrix.entry(name), self.config["methods"]
        rows = [*entry.get("rows", []), *(row for members in entry.get("groups", {}).values() for row in members)]
        return {
            "rows": {row: methods.get(row, {"title": row})["title"] for row in rows} | entry.get("row_titles", {}),
            "datasets": {key: self.config["datasets"][key]["title"] for key in entry["datasets"]},
            "backbones": {key: self.config["backbones"][key]["title"] for key in entry.get("backbones", [])},
        }

    def recipe_title(self, recipe: str) -> str:
        """The title of the method that is trained on its images and differs in nothing else; or else its own name."""
        methods = [each for each in self.config["methods"].values() if set(each) <= {"title", "images"}]
        titles = [each["title"] for each in methods if each.get("images") == recipe]
        return titles[0].removeprefix("+ ") if titles else recipe

    def paper_names(self, name: str) -> dict[str, str]:
        """What the paper's own numbers call each data set, for those that it has."""
        datasets = {key: self.config["datasets"][key] for key in self.matrix.entry(name)["datasets"]}
        return {key: entry["paper_name"] for key, entry in datasets.items() if "paper_name" in entry}

    def paper_tables(self) -> list[str]:
        """The tables whose published numbers are at hand."""
        return [name for name, entry in self.matrix.tables.items() if entry.get("paper")]

    def paper_overviews(self) -> list[str]:
        """The figures of accuracies whose published numbers are at hand."""
        return [name for name in self.of_kind("overview") if self.matrix.entry(name).get("paper")]

    def partial_files(self, name: str) -> list[str]:
        """A table as far as its runs are there."""
        return [f"results/partial/{name}{suffix}" for suffix in TABLE_FILES]

    def star(self, name: str) -> dict | None:
        """The row that is tested and the rows it is tested against, the best of which counts."""
        entry = self.matrix.entry(name)
        if "star" not in entry:
            return None
        row = entry["star"]["row"]
        return {"row": row, "against": [each for each in entry["groups"][entry["star"]["group"]] if each != row]}

    def starred_runs(self, name: str) -> list[Run]:
        """Every run of the row that is tested and of those it is tested against."""
        star = self.star(name)
        rows = [star["row"], *star["against"]] if star else []
        cells = [cell for cell in self.matrix.cells(name) if cell["row"] in rows]
        runs = {(cell["dataset"], cell["backbone"], cell["method"]) for cell in cells}
        return [run for run in self.matrix.runs([name]) if (run.dataset, run.backbone, run.method) in runs]

    def shown_recipes(self, name: str) -> dict[str, str | None]:
        """Row to the recipe whose pictures stand for it; None for rows that draw nothing."""
        entry = self.matrix.entry(name)
        return {row: self.matrix.image_recipe(entry, row) for row in entry["rows"]}

    def figure_sets(self, name: str) -> list[str]:
        """Every image set that a figure shows, row by row."""
        return [path for pair in self._shown_pairs(name) for path in self.matrix.image_sets(*pair)]

    def figure_choices(self, name: str) -> list[str]:
        """The selection files that say which of a recipe's sets a figure shows."""
        return [path for pair in self._shown_pairs(name) for path in self.matrix.choice_among(*pair)]

    def _shown_pairs(self, name: str) -> list[tuple[str, str]]:
        """(dataset, recipe) for every row of a figure that is drawn."""
        return list(product(self.matrix.entry(name)["datasets"], filter(None, self.shown_recipes(name).values())))

    def rows_of_recipes(self, name: str) -> dict[str, str]:
        """Recipe to the row of a figure that it stands for."""
        return {recipe: row for row, recipe in self.shown_recipes(name).items() if recipe}

    def is_miniature(self, name: str) -> bool:
        """Whether a figure shows anything of the drawn world."""
        return any(map(self.matrix.is_miniature, self.matrix.entry(name)["datasets"]))

    def measurements(self, name: str) -> list[str]:
        """The similarity measurements of a figure: its own, or those of the figure named by `measures`."""
        entry = self.matrix.entry(name)
        folder = f"results/consistency/{entry.get('measures', name)}"
        return [f"{folder}/{dataset}/{row}.csv" for dataset, row in product(entry["datasets"], entry["rows"])]

    def perturbations(self, name: str) -> dict[str, dict]:
        """Row to its online transforms, for the rows of a figure that draw nothing."""
        perturbing = [row for row, recipe in self.shown_recipes(name).items() if recipe is None]
        return {row: self.config["methods"][row].get("online", {}) for row in perturbing}

    def gallery_columns(self, name: str) -> list[str]:
        """One title for the original and one for each set of `figure_sets`."""
        columns = ["Original"]
        for title, recipe in zip(self._bare_titles(name), self.shown_recipes(name).values(), strict=True):
            rates = self.matrix.noise_rates(recipe)
            columns += [f"{title} {rate}" for rate in rates] if len(rates) > 1 else [title]
        return columns

    def case_columns(self, name: str) -> list[str]:
        """One title for the original and one for each row of a case study."""
        return ["Original", *self._bare_titles(name)]

    def _bare_titles(self, name: str) -> list[str]:
        """Titles of a figure's rows without the plus sign that they have in tables."""
        titles = self.titles(name)["rows"]
        return [titles[row].removeprefix("+ ") for row in self.matrix.entry(name)["rows"]]
