"""Results packed and merged: what goes in, what is refused, and that nothing is half or overwritten."""

import errno
import io
import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from sgid import archive, merge
from sgid.archive import MANIFEST, pack
from sgid.builds import FOLDER, BuildError, Files, enter
from sgid.made_by import Origins, described_by, record_of
from sgid.merge import ArchiveError, Merge, import_archive, is_ours

ORIGIN = {"commit": "abc"}
SHARD, SET, RUN = "results/images/a/shard-0.parquet", "results/images/a.json", "results/runs/a/seed-0.json"
PREDICTIONS, TABLE, OTHER = "results/predictions/a/seed-0.parquet", "results/tables/t.csv", "results/runs/b.json"


def write(root, path, text, *, age=None):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)
    if age is not None:
        os.utime(root / path, (age, age))


def job(root, rule, outputs, inputs=(), *, age):
    """What a finished job leaves behind: its outputs and their records."""
    for path in outputs:
        write(root, path, f"made by {rule}: {path}", age=age)
        write(root, record_of(path), json.dumps({"rule": rule, "input": list(inputs), "log": [f"logs/{rule}/a.log"]}))


def test_a_record_that_was_not_written_to_its_end_is_named(tmp_path):
    write(tmp_path, record_of(SHARD), '{"rule": "draw')
    with pytest.raises(
        ValueError, match=rf"{record_of(SHARD)}: was not written to its end .*; wait until .* delete it"
    ):
        Origins(tmp_path).records  # noqa: B018


@pytest.fixture
def made(tmp_path):
    """A checkout in which a table was made, and a run that it does not show."""
    root = tmp_path / "made"
    job(root, "draw_images", [SHARD], ["resources/models/m/model.json"], age=1000)
    job(root, "collect_images", [SET], [SHARD], age=1001)
    job(root, "train_classifier", [RUN, PREDICTIONS], [SET], age=1002)
    job(root, "collect_runs", [TABLE], [RUN, "workflow_scripts/sgid/tables.py"], age=1003)
    job(root, "train_another", [OTHER], age=1004)
    write(root, "results/benchmarks/draw_images/a.tsv", "s\n1.0\n", age=1000)
    return root


@pytest.fixture
def packed(made, tmp_path):
    pack(Origins(made).behind([TABLE]), tmp_path / "t.tar", origin=ORIGIN, root=made)
    return tmp_path / "t.tar"


@pytest.fixture
def here(tmp_path):
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


def results_of(root):
    return {str(path.relative_to(root)): path.read_text() for path in (root / "results").rglob("*") if path.is_file()}


def test_an_archive_has_the_table_all_that_it_rests_on_and_what_was_made_beside(made):
    behind = Origins(made).behind([TABLE])
    assert behind == sorted(["results/benchmarks/draw_images/a.tsv", SHARD, SET, PREDICTIONS, RUN, TABLE])


@pytest.mark.parametrize("path", ["results/a", "results/" + "long/" * 100 + "name"])
def test_a_record_is_named_by_its_result_and_back(path):
    assert described_by(Path(record_of(path)).relative_to(".snakemake/metadata")) == path


def test_results_arrive_as_they_were_sent_with_their_records(made, packed, here):
    assert "6 results brought, 0 were here" in Merge(packed, here).run()
    sent = {path: text for path, text in results_of(made).items() if path != OTHER}
    assert results_of(here) == sent
    assert Origins(here).records == {path: Origins(made).records[path] for path in sent if "benchmarks" not in path}


def test_what_is_brought_is_newer_than_what_is_here_and_keeps_its_order(packed, here):
    write(here, "results/datasets/a.parquet", "mine")
    Merge(packed, here).run()
    times = [(here / path).stat().st_mtime_ns for path in ("results/datasets/a.parquet", SHARD, SET, RUN, TABLE)]
    assert times == sorted(times)
    assert len(set(times)) == len(times)
    assert (here / RUN).stat().st_mtime_ns == (here / PREDICTIONS).stat().st_mtime_ns


def test_a_second_import_brings_nothing_and_touches_nothing(packed, here):
    Merge(packed, here).run()
    before = {path: (here / path).stat().st_mtime_ns for path in results_of(here)}
    assert "0 results brought, 6 were here" in Merge(packed, here).run()
    assert before == {path: (here / path).stat().st_mtime_ns for path in results_of(here)}


def test_a_result_with_other_bytes_is_named_and_nothing_is_brought(packed, here):
    write(here, RUN, "mine")
    with pytest.raises(ArchiveError, match=f"{RUN}: is here with other bytes than in .*; delete the one"):
        Merge(packed, here).run()
    assert results_of(here) == {RUN: "mine"}


def test_seconds_of_a_job_are_no_conflict_and_stay(packed, here):
    write(here, "results/benchmarks/draw_images/a.tsv", "s\n2.0\n")
    assert "5 results brought" in Merge(packed, here).run()
    assert results_of(here)["results/benchmarks/draw_images/a.tsv"] == "s\n2.0\n"


def test_an_interrupted_import_goes_on(packed, here, monkeypatch):
    moved = []

    def interrupted(file, place):
        moved.append(place)
        if len(moved) > 9:
            raise KeyboardInterrupt
        real(file, place)

    real = merge.move
    monkeypatch.setattr(merge, "move", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Merge(packed, here).run()
    monkeypatch.undo()
    found = {path for path in (SHARD, SET, RUN, PREDICTIONS, TABLE) if (here / path).exists()}
    assert found < {SHARD, SET, RUN, PREDICTIONS, TABLE}
    assert not list((here / "results").glob(".import-*"))
    Merge(packed, here).run()
    assert len(results_of(here)) == 6


def test_what_a_killed_import_left_is_removed(packed, here):
    write(here, "results/.import-dead/results/runs/a.json", "half")
    Merge(packed, here).run()
    assert not list((here / "results").glob(".import-*"))


def test_what_a_build_is_at_work_on_is_not_brought_before_its_end(packed, here):
    held = enter(Files(frozenset(), frozenset({RUN})), here / FOLDER)
    with pytest.raises(BuildError, match=f"^{RUN}: another Snakemake .*; wait for its end"):
        Merge(packed, here).run()
    assert not (here / "results").exists()
    os.close(held)
    Merge(packed, here).run()
    assert len(results_of(here)) == 6


def test_one_import_at_a_time(packed, here, monkeypatch):
    def another(merge, *_):
        Merge(packed, here).run()

    monkeypatch.setattr(Merge, "place", another)
    with pytest.raises(BuildError):
        Merge(packed, here).run()


def test_a_build_that_reads_what_is_here_already_disturbs_no_import(packed, here):
    Merge(packed, here).run()
    (here / TABLE).unlink()
    held = enter(Files(frozenset({SET}), frozenset({"results/runs/z.json"})), here / FOLDER)
    assert "1 results brought, 5 were here" in Merge(packed, here).run()
    os.close(held)


def rewritten(packed, change):
    """The archive with its members changed: `change` takes and gives (header, bytes)."""
    with tarfile.open(packed) as tar:
        members = [(header, tar.extractfile(header).read()) for header in tar]
    with tarfile.open(packed, "w") as tar:
        for header, data in filter(None, (change(header, data) for header, data in members)):
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    return packed


DAMAGES = {
    "other bytes": (lambda h, d: (h, b"!" + d[1:] if h.name == RUN else d), f"{RUN} is not what the manifest says"),
    "a file less": (lambda h, d: None if h.name == SET else (h, d), f"{SET} is missing in it"),
    "no manifest": (lambda h, d: None if h.name == MANIFEST else (h, d), "its first file is no manifest"),
    "a manifest of another kind": (
        lambda h, d: (h, b'[{"Config": "x"}]' if h.name == MANIFEST else d),
        "its manifest cannot be read",
    ),
    "half a manifest": (lambda h, d: (h, d[:9] if h.name == MANIFEST else d), "its manifest cannot be read"),
    "a way out": (
        lambda h, d: (h, d.replace(b'"results/runs', b'"results/../../runs') if h.name == MANIFEST else d),
        "is no place for a result",
    ),
    "another format": (
        lambda h, d: (h, d.replace(b'"format": 1', b'"format": 9') if h.name == MANIFEST else d),
        "is of format 9; use the version that made it",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_archive_is_refused_and_nothing_is_brought(packed, here, damage):
    change, sentence = DAMAGES[damage]
    with pytest.raises(ArchiveError, match=sentence):
        Merge(rewritten(packed, change), here).run()
    assert not (here / "results").exists() or results_of(here) == {}


@pytest.mark.parametrize("change", [lambda data: data * 9, lambda data: data[1:]], ids=["longer", "shorter"])
def test_a_file_of_another_length_than_the_manifest_says_is_refused_before_a_byte_is_written(
    packed, here, monkeypatch, change
):
    written, begun = Merge.written, []
    monkeypatch.setattr(
        Merge, "written", staticmethod(lambda source, file: begun.append(file) or written(source, file))
    )
    archive = rewritten(packed, lambda header, data: (header, change(data) if header.name == RUN else data))
    with pytest.raises(ArchiveError, match=f"{RUN} is not what the manifest says; copy it anew"):
        Merge(archive, here).run()
    assert begun
    assert not [file for file in begun if str(file).endswith(RUN)]


def test_an_archive_cut_short_is_refused(packed, here):
    os.truncate(packed, packed.stat().st_size // 2)
    with pytest.raises(ArchiveError, match=r"(cannot be read to its end|is missing in it).*; copy it anew"):
        Merge(packed, here).run()
    assert results_of(here) == {}


def test_a_link_in_place_of_a_result_is_refused(packed, here):
    def linked(header, data):
        if header.name == RUN:
            header.type, header.linkname = tarfile.SYMTYPE, "/etc/hostname"
            return header, b""
        return header, data

    with pytest.raises(ArchiveError, match=f"{RUN} is not what the manifest says"):
        Merge(rewritten(packed, linked), here).run()
    assert results_of(here) == {}


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "results/../x", "results//x", "config/config.yaml", ".snakemake/metadata/..", ".snakemake/locks/0"],
)
def test_only_results_and_their_records_have_a_place(path):
    assert not is_ours(path)


def test_no_archive_named_and_none_there_say_what_to_do(tmp_path):
    with pytest.raises(ArchiveError, match="add --config archive=FILE behind the target"):
        import_archive(None)
    with pytest.raises(ArchiveError, match=r"no\.tar: there is no such archive; correct `archive`"):
        import_archive(str(tmp_path / "no.tar"))


def test_a_full_disk_leaves_no_archive_and_no_result(made, packed, here, monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(archive, "add", full)
    with pytest.raises(OSError, match=r"no space left in .* for second\.tar; make room"):
        pack([RUN], tmp_path / "second.tar", origin=ORIGIN, root=made)
    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(OSError, match=r"no space left in .*; make room"):
        Merge(packed, here).run()
    assert [path.name for path in tmp_path.glob("*second*")] == []
    assert results_of(here) == {}


def test_a_result_that_changes_while_it_is_packed_is_named(made, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "file_hash", lambda path: "0" * 64)
    with pytest.raises(ValueError, match=r".*: changed while it was packed"):
        pack([RUN], tmp_path / "x.tar", origin=ORIGIN, root=made)
    assert not (tmp_path / "x.tar").exists()
