"""A generated set for other programs: an archive in ImageFolder's layout, and a folder that `datasets` reads.

Folders and files are numbered, never named after a class or an image: such names may hold anything. What they stand
for is told by `classes.csv` and `manifest.csv` inside. Shards are read one by one, for a set may exceed the memory.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

import pyarrow as pa

from sgid.image_sets import shards_of
from sgid.image_table import encoded_of, open_writer, read_metadata
from sgid.runtime import read_json, replacing

SUFFIXES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg"}
ROWS = 256  # of a row group: readers take one into memory at a time
THEN = (1980, 1, 1, 0, 0, 0)  # of every member, so that equal pictures are equal archives
DTYPES = {pa.int64(): "int64", pa.float64(): "float64", pa.string(): "string", pa.bool_(): "bool"}


@dataclass(frozen=True)
class Export:
    """A set to export: the path of its JSON, and its official class names in the order of their labels."""

    path: str
    classes: list[str]

    def shards(self) -> Iterator[pa.Table]:
        """Its shards, in order."""
        return shards_of(self.path)

    def metadata(self) -> dict:
        """What its first shard says of recipe, model and origin."""
        return read_metadata(read_json(self.path)["shards"][0]["path"])


def write_imagefolder(export: Export, card: str, path: str | Path) -> None:
    """A zip: `label-NNN/NNNNNN.png`, classes.csv, manifest.csv, README.md. Every class has its folder."""
    folders = class_folders(len(export.classes))
    manifest: list[dict] = []
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for folder in folders:
            _add(archive, f"{folder}/", b"")
        for table in export.shards():
            labels, start = table["label"].to_pylist(), len(manifest)
            files = [
                (f"{folders[label]}/{start + row:06}.{suffix_of(data, name)}", data)
                for row, (label, (name, data)) in enumerate(zip(labels, encoded_of(table), strict=True))
            ]
            for file, data in files:
                _add(archive, file, data)
            told = table.drop_columns("image").to_pylist()
            manifest += [{"file": file} | row for (file, _), row in zip(files, told, strict=True)]
        classes = [
            {"folder": folder, "label": label, "name": name}
            for label, (folder, name) in enumerate(zip(folders, export.classes, strict=True))
        ]
        _add(archive, "classes.csv", csv_of(classes))
        _add(archive, "manifest.csv", csv_of(manifest))
        _add(archive, "README.md", card.encode())


def class_folders(count: int) -> list[str]:
    """`label-000`, …: in the order of their labels, whatever the classes are called."""
    digits = max(3, len(str(count - 1)))
    return [f"label-{label:0{digits}}" for label in range(count)]


def suffix_of(data: bytes, name: str) -> str:
    """The suffix that encoded bytes ask for; refuses what no set holds."""
    for start, suffix in SUFFIXES.items():
        if data.startswith(start):
            return suffix
    raise ValueError(f"{name}: neither PNG nor JPEG; delete its shard and draw it again")


def csv_of(rows: Sequence[Mapping]) -> bytes:
    """Rows of equal keys as CSV in UTF-8."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    member = zipfile.ZipInfo(name, THEN)
    member.external_attr = (0o40755 << 16 | 0x10) if name.endswith("/") else 0o100644 << 16
    archive.writestr(member, data)


def write_parquet(export: Export, path: str | Path) -> None:
    """All rows in one file, whose metadata tells `datasets` which column is an image, and what each label means."""
    writer = None
    with replacing(path) as temporary:
        for table in export.shards():
            if writer is None:
                metadata = (table.schema.metadata or {}) | {b"huggingface": features_of(table.schema, export.classes)}
                writer = open_writer(temporary, table.schema.with_metadata(metadata))
            writer.write_table(table.cast(writer.schema), row_group_size=ROWS)
        writer.close()


def features_of(schema: pa.Schema, classes: Sequence[str]) -> bytes:
    """What the `datasets` library reads from a Parquet file's metadata under `huggingface`."""
    known = {"image": {"_type": "Image"}, "label": {"names": distinct(classes), "_type": "ClassLabel"}}
    features = {
        field.name: known.get(field.name) or {"dtype": DTYPES[field.type], "_type": "Value"} for field in schema
    }
    return json.dumps({"info": {"features": features}}).encode()


def distinct(names: Sequence[str]) -> list[str]:
    """The names, a label behind those that occur twice: ClassLabel refuses equal names."""
    return [f"{name} ({label})" if names.count(name) > 1 else name for label, name in enumerate(names)]


def card_of(template: str, export: Export, title: str) -> str:
    """The README of an export: what it is, how it was made, what to mind."""
    head, metadata = read_json(export.path), export.metadata()
    model, origin = metadata.get("model", {}), metadata.get("provenance", {})
    return Template(template).substitute(
        title=" ".join(title.split()),
        dataset=head["dataset"],
        recipe=head["recipe"],
        noise_rate=head["noise_rate"],
        images=f"{head['images']:,}",
        classes=f"{len(export.classes):,}",
        flags=", ".join(f"{flag}: {count}" for flag, count in sorted(head["flags"].items())) or "none",
        stamp="Miniature: drawn data set, tiny models; no reproduction of the paper.\n\n" if head["miniature"] else "",
        model=model_of(model),
        licence=licence_of(model),
        commit=origin.get("commit", "unknown"),
        device=origin.get("device", "unknown"),
    )


def licence_of(record: Mapping) -> str:
    """The licence of the model, as the hub told it when the weights were fetched."""
    return (
        "MIT, as this workflow" if record.get("miniature") else record.get("licence") or "not recorded; ask its owner"
    )


def model_of(record: Mapping) -> str:
    """The model's name and commit, as far as its record has them."""
    if record.get("miniature"):
        return "a tiny model trained on drawn shapes (resources/miniature)"
    return f"{record['id']} at {record.get('commit')}" if record.get("id") else "weights from a folder of one's own"
