"""What filters of images read and make: scores, verdicts, reject lists, reports (standard library only).

Scores belong to the recipe whose pictures they are of, so that all of its filters share them; verdicts, reject list and
report belong to the filtered recipe.
"""

import re

from sgid.matrix import Matrix
from sgid.recipes import CLASSIFIER_RULES, CLIP_RULES, LIKE, rules_of

FOLDER = "results/filter"
REPORT = (".csv", ".md", ".html", ".png", ".pdf")


class ImageFilters:
    """The filters' side of a Matrix."""

    def __init__(self, matrix: Matrix):
        self.matrix = matrix

    def filtered(self, *, by_chance: bool | None = None) -> list[str]:
        """The filtered recipes: all of them, those that leave pictures out by rules, or those that do so by chance."""
        chance = {name: not rules_of(entry) for name, entry in self.matrix.recipes.items() if "filters" in entry}
        return [name for name, each in chance.items() if by_chance in (None, each)]

    def with_rates(self) -> list[str]:
        """Patterns of the filtered recipes, each only before the noise rate that its one set has in its path."""
        own = {name: self.matrix.noise_rates(name) for name in self.filtered()}
        return [f"{name}(?=/noise-{re.escape(rate)}[.]json$)" for name, rates in own.items() for rate in rates]

    def drawing(self) -> list[str]:
        """The recipes that draw pictures of their own."""
        return [name for name, entry in self.matrix.recipes.items() if "filters" not in entry]

    def drawn(self, recipe: str) -> str:
        """The recipe whose pictures a filtered one is given."""
        return self.matrix.recipes[recipe]["filters"]

    def sets(self, dataset: str, recipe: str) -> list[str]:
        """The sets that a filtered recipe may take its pictures from, one a noise rate."""
        return self.matrix.image_sets(dataset, self.drawn(recipe))

    def choice(self, dataset: str, recipe: str) -> list[str]:
        """The file that says from which of them."""
        return self.matrix.choice_among(dataset, self.drawn(recipe))

    def rules(self, dataset: str, recipe: str) -> dict:
        """The rules that are switched on, in their order."""
        return rules_of(self.matrix.recipes[recipe])

    def clip_scores(self, dataset: str, recipe: str) -> list[str]:
        """What CLIP says of every picture, where a rule asks it."""
        asked = rules_of(self.matrix.recipes[recipe]).keys() & set(CLIP_RULES)
        return [f"{FOLDER}/{dataset}/{self.drawn(recipe)}/clip.parquet"] if asked else []

    def judgements(self, dataset: str, recipe: str) -> list[str]:
        """What a classifier says of every picture, where a rule asks it: predictions and the record of its training."""
        asked = rules_of(self.matrix.recipes[recipe]).keys() & set(CLASSIFIER_RULES)
        path = f"{FOLDER}/{dataset}/{self.drawn(recipe)}/seed-{self.seed}"
        return [f"{path}.parquet", f"{path}.json"] if asked else []

    @property
    def seed(self) -> int:
        """Of the classifier's training: the first of those that choose a noise rate."""
        return self.matrix.config["selection"]["seeds"][0]

    def pattern(self, dataset: str, recipe: str) -> str:
        """The reject list that a control by chance is like."""
        return f"{FOLDER}/{dataset}/{self.matrix.recipes[recipe]['filter'][LIKE]}/rejects.csv"

    def rejects(self, dataset: str, recipe: str) -> list[str]:
        """The reject list of a filtered recipe; none of one that draws."""
        return [f"{FOLDER}/{dataset}/{recipe}/rejects.csv"] if "filters" in self.matrix.recipes[recipe] else []

    def scored(self, dataset: str, recipe: str) -> list[tuple[str, str]]:
        """(rule, output) of what scores the pictures for a filter; none of a recipe that draws or filters by chance."""
        if not rules_of(self.matrix.recipes[recipe]):
            return []
        clip, judged = self.clip_scores(dataset, recipe), self.judgements(dataset, recipe)
        return [*(("score_images", path) for path in clip), *(("judge_images", path) for path in judged[:1])]

    def benchmarks(self, dataset: str, recipe: str) -> list[str]:
        """Of what scored the pictures for a filter; none for a recipe that draws or filters by chance."""
        place = {"score_images": "", "judge_images": f"/seed-{self.seed}"}
        return [
            f"results/benchmarks/{rule}/{dataset}/{self.drawn(recipe)}{place[rule]}.tsv"
            for rule, _ in self.scored(dataset, recipe)
        ]

    def reports(self, name: str) -> list[str]:
        """The reports of every filtered recipe behind a table or figure."""
        pairs = [pair for pair in self.matrix.drawn(name) if "filters" in self.matrix.recipes[pair[1]]]
        return [f"{FOLDER}/{dataset}/{recipe}{suffix}" for dataset, recipe in pairs for suffix in REPORT]

    def all_reports(self) -> list[str]:
        """The reports of every table and figure, built or not, on the data sets of the build."""
        datasets = {name for built in self.matrix.config["build"] for name in self.matrix.entry(built)["datasets"]}
        paths = [path for name in self.matrix.names for path in self.reports(name)]
        return [path for path in dict.fromkeys(paths) if path.split("/")[2] in datasets]
