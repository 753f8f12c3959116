"""Which generated images the runs of a method are given, and what chooses among them (standard library only)."""

from sgid.matrix import Matrix


class MethodImages:
    """The methods' side of a Matrix: a method names no recipe, one, or several of which validation chooses one."""

    def __init__(self, matrix: Matrix):
        self.matrix = matrix

    def sets(self, dataset: str, method: str) -> list[str]:
        """The sets of every recipe of a method; a run trains with one of them."""
        return [path for recipe in self.matrix.recipes_of(method) for path in self.matrix.image_sets(dataset, recipe)]

    def choice(self, dataset: str, method: str) -> list[str]:
        """The file that says which of the sets to train with, where there are several."""
        recipes = self.matrix.recipes_of(method)
        if len(recipes) > 1:
            return [f"results/selection/{dataset}/methods/{method}.json"]
        return [path for recipe in recipes for path in self.matrix.choice_among(dataset, recipe)]

    def candidates(self, dataset: str, method: str) -> list[str]:
        """The validation runs that a recipe is chosen from; those that choose its noise rate are among them."""
        return [path for recipe in self.matrix.recipes_of(method) for path in self.matrix.candidates(dataset, recipe)]
