"""Which caption reports the configured build has, and the files behind each (standard library only)."""

from sgid.matrix import ORIGINALS, Matrix, shards_in
from sgid.references import SAMPLERS_OF, ConfigError, require

BLIP_SAMPLERS = SAMPLERS_OF["filter"]


class CaptionReports:
    """The report side of a Matrix. Raises ConfigError where the configured recipe has none of BLIP's captions."""

    def __init__(self, matrix: Matrix):
        self.matrix = matrix
        self.recipe = matrix.config["captions_report"]["recipe"]
        require("captions_report.recipe", [self.recipe], matrix.recipes)
        if not self.is_described(self.recipe):
            described = ", ".join(filter(self.is_described, matrix.recipes))
            raise ConfigError(
                f"captions_report.recipe: {self.recipe!r} has no captions of the originals by BLIP (have: {described})"
            )

    def is_described(self, recipe: str) -> bool:
        """Whether a recipe's prompts come from BLIP's captions of the originals."""
        entry = self.matrix.recipes[recipe]
        return entry["source"] == ORIGINALS and set(SAMPLERS_OF[entry["captions"]]) <= set(BLIP_SAMPLERS)

    def datasets(self) -> list[str]:
        """The data sets of the configured build whose originals are described by BLIP."""
        drawn = [pair for name in self.matrix.config["build"] for pair in self.matrix.drawn(name)]
        return list(dict.fromkeys(dataset for dataset, recipe in drawn if self.is_described(recipe)))

    def captions(self, dataset: str) -> list[str]:
        """The captions of the originals by both samplers."""
        return self.matrix.caption_files(dataset, list(BLIP_SAMPLERS))

    def scores(self, dataset: str) -> list[str]:
        """Their cosines, by both samplers, whichever the recipe takes its captions from."""
        folder, count = f"results/similarity/{dataset}/{ORIGINALS}", self.matrix.shards(dataset)
        return [path for sampler in BLIP_SAMPLERS for path in shards_in(f"{folder}/{sampler}", count)]

    def prompts(self, dataset: str) -> str:
        """The prompts of the configured recipe, or of the one that it filters."""
        return f"results/prompts/{dataset}/{self.matrix.recipes[self.recipe].get('filters', self.recipe)}.parquet"

    def model(self) -> list[str]:
        """The record of the model whose tokenizer reads the prompts."""
        return self.matrix.model(self.matrix.recipes[self.recipe]["model"])

    def pages(self) -> list[str]:
        """What a reader opens, one a data set."""
        return [f"results/captions/{dataset}/report.html" for dataset in self.datasets()]
