"""Pictures of the perturbing methods for a case study (Figure 4): what training would be given, one a method."""

from collections.abc import Mapping

import pyarrow as pa
from PIL import Image

from sgid.consistency import perturbed
from sgid.image_table import encode, image_rows, pixels_of
from sgid.seeding import seed_for


def perturb_originals(
    originals: pa.Table, online: Mapping[str, Mapping[str, Mapping]], *, size: int, base_seed: int
) -> pa.Table:
    """Every original under every method of `online` (method to its transforms), with `source_id` and `method`.

    A perturbation that training applies with a probability is always applied here: a case study shows what it does.
    """
    pixels, ids, labels = pixels_of(originals, size), originals["image_id"].to_pylist(), originals["label"].to_pylist()
    tables = [with_origin(image_rows([], [], []), [], method="")]  # the columns, where no method perturbs
    for method, transforms in online.items():
        always = {name: {**options, **certain(name)} for name, options in transforms.items()}
        changed = perturbed(pixels, always, seed=seed_for(base_seed, "cases", method))
        encoded = [encode(Image.fromarray(image)) for image in changed]
        table = image_rows([f"{image_id}/{method}" for image_id in ids], encoded, labels)
        tables.append(with_origin(table, ids, method=method))
    return pa.concat_tables(tables)


def with_origin(table: pa.Table, source_ids: list[str], *, method: str) -> pa.Table:
    """The table with two more columns: what each picture was made from, and how."""
    methods = pa.array([method] * len(source_ids), pa.string())
    return table.append_column("source_id", pa.array(source_ids, pa.string())).append_column("method", methods)


def certain(name: str) -> dict[str, float]:
    """RandAugment has no probability: it always acts."""
    return {} if name == "randaugment" else {"probability": 1.0}
