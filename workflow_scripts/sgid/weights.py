"""Weights of the real models, by pinned revision."""


def fetch(name: str, model: dict[str, str], record: str) -> None:
    """Refuse: downloading is part 3 of the project; until then a folder of one's own can be named."""
    raise ValueError(
        f"models.{name}: downloading {model['id']} is not built yet (part 3 of the project); put its files into a "
        f"folder with a model.json beside them and name it under models.{name}.folder"
    )
