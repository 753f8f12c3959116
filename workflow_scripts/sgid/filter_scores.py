"""What CLIP says of generated pictures, for the rules of a filter: scores only, so that rules can change afterwards.

Each picture against the classes of its data set (as in He et al. 2022 and in zero-shot use), against texts of which
its subject is missing (ALIA, Dunlap et al. 2023), and against its original (paper, section 4.4).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import torch
import yaml

from sgid.caption_scores import SOFTMAX_SCALE
from sgid.consistency import originals_of
from sgid.prompts import label_text, written_captions
from sgid.similarity import Encoder, image_features

SCHEMA = pa.schema(
    {
        "image_id": pa.string(),
        "clip_class": pa.int64(),  # the label whose text is nearest
        "clip_own": pa.float64(),  # probability of the picture's own label among all labels
        "clip_subject": pa.float64(),  # of the nearest text of its subject, against the nearest without it
        "cosine": pa.float64(),  # with its original
    }
)
SUBJECT, NEGATIVE = "subject", "negative"


def read_subjects(path: str | Path) -> dict[str, dict[str, list[str]]]:
    """The lists of texts with a picture's subject and without it; raises ValueError where one of them is missing."""
    lists = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    if not isinstance(lists, dict) or lists.keys() != {SUBJECT, NEGATIVE}:
        raise ValueError(f"{path}: needs the lists `{SUBJECT}` and `{NEGATIVE}`, each with a `default`; put them back")
    return lists


def score_images(
    encoder: Encoder,
    generated: pa.Table,
    originals: pa.Table,
    *,
    names: Mapping[int, str],
    subjects: Mapping[str, Mapping[str, Sequence[str]]],
    dataset: str,
) -> tuple[pa.Table, float]:
    """One row (SCHEMA) a generated picture, in their order; and the share of their originals whose class CLIP sees.

    `names`: label to class name; `subjects`: as read. Raises ValueError where a picture comes from no original.
    """
    originals = originals_of(originals, generated)
    features, unchanged = image_features(encoder, generated), image_features(encoder, originals)
    labels = torch.tensor(generated["label"].to_pylist())
    texts = {kind: [written_captions(name, dataset, subjects[kind]) for name in names.values()] for kind in subjects}
    nearest = {kind: nearest_text(encoder, features, labels, texts=groups) for kind, groups in texts.items()}
    of_class = encoder.encode_texts([label_text(name) for name in names.values()])
    shares = shares_of_classes(features, of_class)
    seen = shares_of_classes(unchanged, of_class).argmax(dim=1) == torch.tensor(originals["label"].to_pylist())
    columns = {
        "image_id": generated["image_id"],
        "clip_class": shares.argmax(dim=1).numpy(),
        "clip_own": shares.gather(1, labels[:, None])[:, 0].numpy(),
        "clip_subject": torch.sigmoid(SOFTMAX_SCALE * (nearest[SUBJECT] - nearest[NEGATIVE])).numpy(),
        "cosine": (features * unchanged[rows_of_sources(generated, originals)]).sum(dim=1).double().numpy(),
    }
    return pa.table(columns, schema=SCHEMA), seen.double().mean().item()


def shares_of_classes(features: torch.Tensor, of_class: torch.Tensor) -> torch.Tensor:
    """float64 (N, classes): softmax of the cosines of pictures (N, D) with one text a class, at CLIP's logit scale."""
    return (SOFTMAX_SCALE * (features @ of_class.T).double()).softmax(dim=1)


def nearest_text(
    encoder: Encoder, features: torch.Tensor, labels: torch.Tensor, *, texts: Sequence[Sequence[str]]
) -> torch.Tensor:
    """float64 (N,): the highest cosine of picture i with a text of its own label, of those in `texts`."""
    nearest = torch.empty(len(features), dtype=torch.float64)
    for label in labels.unique().tolist():
        mine = labels == label
        nearest[mine] = (features[mine] @ encoder.encode_texts(texts[label]).T).max(dim=1).values.double()
    return nearest


def rows_of_sources(generated: pa.Table, originals: pa.Table) -> torch.Tensor:
    """int64 (N,): the row of the original that each picture was drawn from."""
    row_of = {image_id: row for row, image_id in enumerate(originals["image_id"].to_pylist())}
    return torch.tensor([row_of[source] for source in generated["source_id"].to_pylist()])
