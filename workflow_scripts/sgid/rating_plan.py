"""Which human evaluations the configuration has, and the files behind each (standard library only)."""

from itertools import product
from pathlib import Path

from sgid.found_files import since
from sgid.matrix import TABLE_FILES, Matrix, Run
from sgid.references import ConfigError, require

SIMULATED = "simulated"
RENDERED = tuple(suffix for suffix in TABLE_FILES if "tests" not in suffix)


class HumanEvaluations:
    """The side of a Matrix that people judge. Raises ConfigError, with the key's path, for what cannot be evaluated."""

    def __init__(self, matrix: Matrix):
        self.matrix = matrix
        self.entries: dict[str, dict] = matrix.config["human"]
        for name in self.entries:
            self._check(name)

    def _check(self, name: str) -> None:
        path, entry, config = f"human.{name}", self.entries[name], self.matrix.config
        require(f"{path}.datasets", entry["datasets"], config["datasets"])
        require(f"{path}.rows", entry["rows"], config["methods"])
        require(f"{path}.row_titles", entry.get("row_titles", {}), config["methods"])
        require(f"{path}.images", entry.get("images", {}), config["methods"])
        require(f"{path}.images", entry.get("images", {}).values(), config["recipes"])
        if accuracy := entry.get("accuracy"):
            require(f"{path}.accuracy.table", [accuracy["table"]], config["tables"])
            if config["tables"][accuracy["table"]].get("variants"):
                raise ConfigError(
                    f"{path}.accuracy.table: {accuracy['table']!r} has several columns a data set; name one without"
                )
            backbones = config["tables"][accuracy["table"]]["backbones"]
            require(f"{path}.accuracy.backbone", [accuracy["backbone"]], backbones)
        for row, recipe in self.recipes(name).items():
            if recipe is None and not config["methods"][row].get("online"):
                raise ConfigError(f"{path}.rows: {row!r} leaves the originals as they are; there is nothing to rate")

    def recipes(self, name: str) -> dict[str, str | None]:
        """Row to the recipe whose pictures are rated; None for rows that perturb."""
        entry = self.entries[name]
        return {row: self.matrix.image_recipe(entry, row) for row in entry["rows"]}

    def online(self, name: str) -> dict[str, dict]:
        """Row to its online transforms, for the rows that perturb."""
        perturbing = [row for row, recipe in self.recipes(name).items() if recipe is None]
        return {row: self.matrix.config["methods"][row]["online"] for row in perturbing}

    def sets(self, name: str, dataset: str) -> list[str]:
        """Every image set of the rows that draw."""
        return [path for recipe in self._drawn(name) for path in self.matrix.image_sets(dataset, recipe)]

    def choices(self, name: str, dataset: str) -> list[str]:
        """The files that say which of a recipe's sets is rated."""
        return [path for recipe in self._drawn(name) for path in self.matrix.choice_among(dataset, recipe)]

    def _drawn(self, name: str) -> list[str]:
        return list(dict.fromkeys(filter(None, self.recipes(name).values())))

    def extent(self, name: str, dataset: str) -> dict[str, int]:
        """How much is rated; no picture is shown larger than the data set's pictures are drawn."""
        entry = self.entries[name]
        side = min(entry["side"], self.matrix.config["datasets"][dataset]["resolution"])
        checks = {kind: entry["checks"][kind] for kind in ("same", "foreign")}
        return {"labels": entry["labels"], "originals": entry["originals"], "side": side} | checks

    def kit(self, name: str, dataset: str) -> dict:
        """Whose pictures are rated, for pages, keys and seeds."""
        return {
            "evaluation": name,
            "dataset": dataset,
            "title": self.matrix.config["datasets"][dataset]["title"],
            "seed": self.entries[name]["seed"],
            "miniature": self.matrix.is_miniature(dataset),
        }

    def keys(self, name: str) -> list[str]:
        """What each item is, one file a data set: not for annotators."""
        return [f"results/human/{name}/keys/{dataset}.json" for dataset in self.entries[name]["datasets"]]

    def pages(self, name: str) -> list[str]:
        """What annotators open: one page for each of them and each data set."""
        return [f"results/human/{name}/pages/{sheet}.html" for sheet in self._sheets(name)]

    def simulated(self, name: str) -> list[str]:
        """Sheets that chance has filled in, one for each page."""
        return [f"results/human/{name}/simulated/{sheet}.csv" for sheet in self._sheets(name)]

    def _sheets(self, name: str) -> list[str]:
        entry = self.entries[name]
        numbers = range(1, entry["annotators"] + 1)
        return [f"annotator-{number}/{dataset}" for number, dataset in product(numbers, entry["datasets"])]

    def sheets(self, name: str) -> list[str]:
        """The filled-in sheets: all of the configured folder, or the simulated ones."""
        folder = self.entries[name]["sheets"]
        if folder == SIMULATED:
            return self.simulated(name)
        if found := sorted(map(str, Path(folder).glob("*.csv"))):
            return found
        raise ConfigError(
            f"human.{name}.sheets: no sheet (*.csv) in {folder}; make the pages with "
            "`snakemake annotation_kit --cores 1`, have them rated, and put the sheets that they save there"
        )

    def kit_targets(self) -> list[str]:
        """Pages and keys of every evaluation, and the shards behind them: a lost shard is noticed and drawn again."""
        shards = [
            shard
            for name, entry in self.entries.items()
            for dataset, recipe in product(entry["datasets"], self._drawn(name))
            for noise in self.matrix.noise_rates(recipe)
            for shard in self.matrix.image_shards(dataset, recipe, noise)
        ]
        return [path for name in self.entries for path in [*self.pages(name), *self.keys(name)]] + shards

    def files(self, name: str) -> list[str]:
        """What a reader opens."""
        return [f"results/tables/{name}{suffix}" for suffix in RENDERED]

    def published(self) -> list[str]:
        """The evaluations whose published numbers are at hand."""
        return [name for name, entry in self.entries.items() if entry.get("paper")]

    def paper(self, name: str) -> list[str]:
        """Published scores, and published accuracies of the table that `accuracy` names."""
        accuracy = self.entries[name].get("accuracy")
        names = [self.entries[name].get("paper")]
        names += [self.matrix.tables[accuracy["table"]].get("paper")] if accuracy else []
        return [f"config/paper/{each}.csv" for each in names if each] if names[0] else []

    def accuracy_cells(self, name: str) -> list[dict]:
        """The planned cells of the table that `accuracy` names, of its backbone and of the rows that are rated."""
        entry = self.entries[name]
        if not entry.get("accuracy"):
            return []
        backbone = entry["accuracy"]["backbone"]
        cells = self.matrix.cells(entry["accuracy"]["table"])
        return [cell for cell in cells if cell["backbone"] == backbone and cell["row"] in entry["rows"]]

    def accuracy_plan(self, name: str) -> dict:
        """What the long form of their runs is made of."""
        table = (self.entries[name].get("accuracy") or {"table": ""})["table"]
        return {"cells": self.accuracy_cells(name), "table": table, "seeds": self.matrix.config["seeds"]}

    def accuracy_runs(self, name: str) -> dict[str, int]:
        """Those of their runs that are done, and since when: for a table of sheets no classifier is trained."""
        plan = self.accuracy_plan(name)
        runs = (
            Run(cell["dataset"], cell["backbone"], cell["method"], seed)
            for cell, seed in product(plan["cells"], plan["seeds"])
        )
        return since(run.path for run in runs)

    def layout(self, name: str) -> dict:
        """Rows, data sets and titles in display order, as tables show them."""
        entry, config = self.entries[name], self.matrix.config
        accuracy = entry.get("accuracy") or {"table": "", "backbone": ""}
        columns = self.matrix.tables[accuracy["table"]]["datasets"] if accuracy["table"] else []
        published = self._paper_names(columns)
        own = {row: config["methods"][row]["title"].removeprefix("+ ") for row in entry["rows"]}
        return {
            "title": entry["title"],
            "rows": own | entry.get("row_titles", {}),
            "datasets": {key: config["datasets"][key]["title"] for key in entry["datasets"]},
            "paper_names": self._paper_names(entry["datasets"]),
            "annotators": entry["annotators"],
            "backbone": accuracy["backbone"],
            "backbone_title": config["backbones"].get(accuracy["backbone"], {"title": ""})["title"],
            "accuracy_table": accuracy["table"],
            # The paper's average of some data sets is none of all.
            "accuracy_names": published if len(published) == len(columns) else {},
        }

    def _paper_names(self, datasets: list[str]) -> dict[str, str]:
        entries = {key: self.matrix.config["datasets"][key] for key in datasets}
        return {key: entry["paper_name"] for key, entry in entries.items() if "paper_name" in entry}
