"""Which pages of pictures and exports the configured build has, and the files behind them (standard library only)."""

from itertools import product

from sgid.matrix import Matrix
from sgid.refusals import ConfigError, require

EXPORTED = ("imagefolder.zip", "data.parquet", "README.md")


class ImagePages:
    """The looking-at and handing-on side of a Matrix. Raises ConfigError where `exports.recipes` names no recipe."""

    def __init__(self, matrix: Matrix):
        self.matrix = matrix
        self.exported = matrix.config["exports"]["recipes"]
        require("exports.recipes", self.exported, matrix.recipes)

    def drawn(self) -> list[tuple[str, str]]:
        """(dataset, recipe) pairs that the configured build draws."""
        return list(dict.fromkeys(pair for name in self.matrix.config["build"] for pair in self.matrix.drawn(name)))

    def numbers(self) -> list[str]:
        """What the index counts, one file a page."""
        return [f"results/pages/{dataset}/{recipe}.json" for dataset, recipe in self.drawn()]

    def pages(self) -> list[str]:
        """What a reader opens: the index, and a page for each data set and recipe."""
        return ["results/pages/index.html", *(f"{path.removesuffix('.json')}.html" for path in self.numbers())]

    def exports(self) -> list[str]:
        """Both forms of every set that the build draws by one of the recipes to export."""
        return self._exported(self._to_export())

    def page_targets(self) -> list[str]:
        """The pages and the shards behind them: a lost shard is noticed and drawn again."""
        return [*self.pages(), *self._shards(self.drawn())]

    def export_targets(self) -> list[str]:
        """The exports and the shards behind them."""
        return [*self.exports(), *self._shards(self._to_export())]

    def own(self) -> list[tuple[str, str]]:
        """(dataset, recipe) pairs of every folder of the user's own and every recipe to export, whatever is built.

        Raises ConfigError where the configuration names no folder.
        """
        datasets = self.matrix.config["datasets"]
        folders = [name for name, entry in datasets.items() if entry["source"] == "folder"]
        if not folders:
            raise ConfigError(
                "datasets: none of them is a folder of your own, which alone `augment` draws from; name one, as "
                "docs/own-images.md says, in a file for --configfile"
            )
        return list(product(folders, self.exported))

    def augment_targets(self) -> list[str]:
        """Of these their pages, exports and shards."""
        pages = [f"results/pages/{dataset}/{recipe}.html" for dataset, recipe in self.own()]
        return [*pages, *self._exported(self.own()), *self._shards(self.own())]

    def _to_export(self) -> list[tuple[str, str]]:
        return [pair for pair in self.drawn() if pair[1] in self.exported]

    def _exported(self, pairs: list[tuple[str, str]]) -> list[str]:
        return [
            f"{path.removesuffix('.json').replace('results/images', 'results/exports', 1)}/{name}"
            for pair in pairs
            for path in self.matrix.image_sets(*pair)
            for name in EXPORTED
        ]

    def _shards(self, pairs: list[tuple[str, str]]) -> list[str]:
        return [
            shard
            for dataset, recipe in pairs
            for noise in self.matrix.noise_rates(recipe)
            for shard in self.matrix.image_shards(dataset, recipe, noise)
        ]
