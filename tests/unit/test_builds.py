"""Two builds of the same files are held apart for as long as both live, and no longer."""

import errno
import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from sgid.builds import BuildError, Files, at_work, enter

BUILD = """
import sys
from pathlib import Path
from sgid.builds import Files, enter
enter(Files(frozenset({"read"}), frozenset({"made"})), Path(sys.argv[1]))
print("entered", flush=True)
sys.stdin.read()
"""
PACKAGE = str(Path(__file__).parents[2] / "workflow_scripts")


@pytest.fixture
def build(tmp_path):
    """A living process that reads `read` and makes `made`."""
    process = subprocess.Popen(
        [sys.executable, "-c", BUILD, str(tmp_path)],
        env={"PYTHONPATH": PACKAGE},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "entered\n"
    yield process
    process.kill()
    process.communicate()


def test_a_build_is_at_work_for_as_long_as_it_lives(build, tmp_path):
    (found,) = at_work(tmp_path).items()
    assert found[0].endswith(f"-{build.pid}")
    assert found[1] == files(reads="read", makes="made")
    build.kill()
    build.wait()
    assert at_work(tmp_path) == {}
    assert len(list(tmp_path.glob("*.json"))) == 1  # left to the next build


def test_where_no_build_ever_was_none_is_at_work(tmp_path):
    assert at_work(tmp_path / "none") == {}


def files(*, reads: str = "", makes: str) -> Files:
    return Files(frozenset(reads.split()), frozenset(makes.split()))


def test_a_build_of_the_same_files_is_refused_with_the_process_that_makes_them(build, tmp_path):
    with pytest.raises(BuildError, match=rf"^made: another Snakemake \(process {build.pid} on .*wait for its end"):
        enter(files(makes="made other"), tmp_path)


@pytest.mark.parametrize("wanted", [files(reads="made", makes="x"), files(makes="read")])
def test_so_is_one_that_reads_what_is_made_or_makes_what_is_read(build, tmp_path, wanted):
    with pytest.raises(BuildError):
        enter(wanted, tmp_path)


def test_what_only_reads_the_same_files_or_makes_nothing_is_let_in(build, tmp_path):
    enter(files(reads="made", makes=""), tmp_path)
    enter(files(reads="read", makes="other"), tmp_path)
    assert len(list(tmp_path.glob("*.json"))) == 2


def test_a_killed_build_holds_nobody_up_and_its_record_goes(build, tmp_path):
    build.kill()
    build.wait()
    enter(files(makes="made"), tmp_path)
    assert [path.stem.rpartition("-")[2] == str(build.pid) for path in tmp_path.glob("*.json")] == [False]


def test_a_file_system_without_locks_is_named_with_what_to_do(tmp_path, monkeypatch):
    def missing(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", missing)
    with pytest.raises(OSError, match=r"the file system has no locks; move this folder, or .*: '.*/door'$"):
        enter(files(makes="made"), tmp_path)
