"""A generated set for other programs: an archive in ImageFolder's layout, and a folder that `datasets` reads.

Folders are called like their classes, as far as every file system takes such a name, files by number. What they stand
for is told by `classes.csv` and `manifest.csv` inside. Shards are read one by one, for a set may exceed the memory.
"""

import csv
import io
import json
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

import pyarrow as pa

from sgid.classes import told_apart
from sgid.image_sets import shards_of, stamp_of
from sgid.image_table import encoded_of, open_writer, read_metadata
from sgid.runtime import read_json, replacing

SUFFIXES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg"}
ROWS = 256  # of a row group: readers take one into memory at a time
THEN = (1980, 1, 1, 0, 0, 0)  # of every member, so that equal pictures are equal archives
# What Windows takes in no name, and the names that it takes for devices; other systems take less amiss.
RESERVED = '<>:"/\\|?*'
DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10))}
LONGEST = 200  # bytes in UTF-8; with a label behind, within the 255 where file systems end
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
    """A zip: `<class>/NNNNNN.png`, classes.csv, manifest.csv, README.md. Every class has its folder."""
    folders = class_folders(export.classes)
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


def class_folders(names: Sequence[str]) -> list[str]:
    """A folder name for each class, in the order of the labels: the class's own, as far as `folder_name` keeps it.

    Names that some file system takes for one (`Cat` and `cat`) get their label behind them, and so do all where that
    does not yet tell them apart.
    """
    plain = [folder_name(name) for name in names]
    numbered = [f"{name}-{label:03}" for label, name in enumerate(plain)]
    alike = Counter(map(str.casefold, plain))
    some = [one if alike[one.casefold()] == 1 else other for one, other in zip(plain, numbered, strict=True)]
    return some if len(set(map(str.casefold, some))) == len(some) else numbered


def folder_name(name: str) -> str:
    """A class name without what a path or some file system does not take: never too long, hidden or empty."""
    text = unicodedata.normalize("NFC", name)
    kept = "".join("_" if each in RESERVED or unicodedata.category(each)[0] == "C" else each for each in text)
    kept = kept.encode()[:LONGEST].decode(errors="ignore").strip(" .") or "_"
    return f"{kept}_" if kept.split(".")[0].strip().upper() in DEVICES else kept


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
    named = told_apart(dict(enumerate(classes)))  # ClassLabel refuses equal names
    known = {"image": {"_type": "Image"}, "label": {"names": [*named.values()], "_type": "ClassLabel"}}
    features = {
        field.name: known.get(field.name) or {"dtype": DTYPES[field.type], "_type": "Value"} for field in schema
    }
    return json.dumps({"info": {"features": features}}).encode()


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
        stamp=f"{stamp}\n\n" if (stamp := stamp_of(head)) else "",
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
