import errno
import json
import os
import platform
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgid.runtime import choose_device, fast_dtype, one_ahead, provenance, read_json, replacing, write_json, write_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def job(tmp_path, *lines: str) -> subprocess.CompletedProcess:
    """A job of its own process, as Snakemake starts one; its body are `lines`."""
    body = "".join(f"    {line}\n" for line in lines)
    code = f"from sgid.runtime import job_log\nwith job_log({str(tmp_path / 'logs' / 'job.log')!r}) as log:\n{body}"
    environment = os.environ | {"PYTHONPATH": "workflow_scripts"}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)


def log_of(tmp_path) -> str:
    return (tmp_path / "logs" / "job.log").read_text(encoding="utf-8")


def test_a_job_that_ends_well_says_nothing_on_the_terminal(tmp_path):
    done = job(tmp_path, "print('hello')", "log.info('at work')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_job_writes_what_it_prints_logs_and_warns_to_its_log(tmp_path):
    job(tmp_path, "import warnings", "print('printed')", "log.info('logged %d', 3)", "warnings.warn('warned')")
    assert all(words in log_of(tmp_path) for words in ("printed", "sgid: logged 3", "warned"))


def test_a_job_that_fails_says_so_in_one_line_and_exits_with_1(tmp_path):
    done = job(tmp_path, "raise ValueError('12 images have no prompt; rerun build_prompts')")
    assert done.returncode == 1
    expected = f"ValueError: 12 images have no prompt; rerun build_prompts (whole log: {tmp_path / 'logs' / 'job.log'})"
    assert done.stderr.strip() == expected


def test_a_job_that_fails_keeps_the_traceback_in_its_log(tmp_path):
    job(tmp_path, "print('before')", "raise ValueError('why')")
    assert "before" in log_of(tmp_path)
    assert "Traceback" in log_of(tmp_path)


def test_a_job_that_is_interrupted_says_so_in_one_line_and_keeps_the_traceback_in_its_log(tmp_path):
    # Where the tests run in the background, SIGINT is ignored, and that is inherited.
    heed = "signal.signal(signal.SIGINT, signal.default_int_handler)"
    done = job(tmp_path, "import os, signal", heed, "os.kill(os.getpid(), signal.SIGINT)")
    assert done.returncode == 130
    assert done.stderr.strip() == f"interrupted (whole log: {tmp_path / 'logs' / 'job.log'})"
    assert "KeyboardInterrupt" in log_of(tmp_path)


def test_a_file_appears_when_it_is_whole(tmp_path):
    with replacing(tmp_path / "new" / "file") as temporary:
        temporary.write_text("content")
        assert not (tmp_path / "new" / "file").exists()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file"]


def test_an_error_leaves_the_old_file_and_no_part_of_the_new(tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(RuntimeError), replacing(tmp_path / "file") as temporary:  # noqa: PT012 - half written, then
        temporary.write_text("half")
        raise RuntimeError
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "old")]


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_stays(tmp_path):
    finished = subprocess.Popen([sys.executable, "-c", ""])
    finished.wait()
    dead, living, other = (
        tmp_path / f".t.csv.{platform.node()}.{finished.pid}.part",
        tmp_path / f".t.csv.{platform.node()}.{os.getppid()}.part",
        tmp_path / f".u.csv.{platform.node()}.{finished.pid}.part",
    )
    for path in (dead, living, other):
        path.write_text("half")
    write_text("whole", tmp_path / "t.csv")
    assert sorted(tmp_path.iterdir()) == sorted([living, other, tmp_path / "t.csv"])


def test_a_full_disk_is_named_and_leaves_the_old_file(tmp_path):
    write_text("old", tmp_path / "t.csv")
    with pytest.raises(OSError, match=r"no space left in .* for t\.csv; make room"), replacing(tmp_path / "t.csv"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_part_lies_beside_its_file_so_that_renaming_is_atomic(tmp_path):
    with replacing(tmp_path / "file") as temporary:
        temporary.touch()
        assert temporary.parent == tmp_path


@given(JSON)
def test_a_value_comes_back_from_json(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "value.json"
    write_json(value, path)
    assert read_json(path) == value


def test_equal_values_are_equal_bytes(tmp_path):
    write_json({"b": 1, "a": [2.5, None]}, tmp_path / "one")
    write_json({"a": [2.5, None], "b": 1}, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").read_bytes().endswith(b"}\n")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_say_is_refused_and_the_old_file_stays(tmp_path, value):
    write_json(1, tmp_path / "file")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json({"accuracy": value}, tmp_path / "file")
    assert read_json(tmp_path / "file") == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_broken_json_is_refused_by_the_name_of_its_file(tmp_path):
    (tmp_path / "broken.json").write_text('{"a": ')
    with pytest.raises(ValueError, match=r"broken\.json: not valid JSON .*run its rule again"):
        read_json(tmp_path / "broken.json")


def test_text_is_written_as_utf8(tmp_path):
    write_text("−4s²", tmp_path / "text")
    assert (tmp_path / "text").read_bytes() == "−4s²".encode()


def test_a_result_carries_the_commit_and_the_versions_behind_it():
    found = provenance()
    assert len(found["commit"]) == 40
    assert isinstance(found["dirty"], bool)
    assert found["packages"]["numpy"] == __import__("numpy").__version__
    assert found["packages"].keys() >= {"torch", "diffusers", "transformers", "open_clip_torch", "timm"}


def test_a_result_names_its_device():
    assert provenance("cpu")["device"].startswith("cpu (")


def test_provenance_can_be_written_down():
    assert json.loads(json.dumps(provenance())) == provenance()


def test_outside_a_repository_the_commit_is_unknown(monkeypatch):
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert (provenance()["commit"], provenance()["dirty"]) == ("unknown", False)


def test_the_device_can_be_named(monkeypatch):
    monkeypatch.setenv("SGID_DEVICE", "cpu")
    assert choose_device() == "cpu"


def test_a_job_takes_as_many_threads_as_it_was_given(monkeypatch):
    import torch

    before = torch.get_num_threads()
    monkeypatch.setenv("SGID_DEVICE", "cpu")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    choose_device()
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_the_next_item_is_worked_on_while_the_present_one_is_used():
    second = threading.Event()
    results = one_ahead(lambda item: second.set() if item == 2 else item, [1, 2, 3])
    assert next(results) == 1
    assert second.wait(10)
    assert list(results) == [None, 3]


def test_an_error_ahead_comes_where_its_item_would():
    results = one_ahead(lambda item: 1 // item, [1, 0])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_no_more_than_one_item_is_taken_ahead():
    taken = []
    results = one_ahead(str, (taken.append(item) or item for item in range(5)))
    assert [(result, list(taken)) for result in results][:2] == [("0", [0, 1]), ("1", [0, 1, 2])]


def test_a_caller_that_stops_early_leaves_no_thread_behind():
    before = threading.active_count()
    results = one_ahead(str, range(5))
    next(results)
    results.close()
    assert threading.active_count() == before


def test_of_nothing_nothing_is_worked_on():
    assert list(one_ahead(str, [])) == []


@pytest.mark.parametrize(("major", "fast"), [(7, "float32"), (8, "bfloat16")])
def test_bfloat16_is_for_gpus_that_multiply_it_and_not_for_those_that_emulate_it(monkeypatch, major, fast):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(major=major))
    monkeypatch.setattr(torch.cuda, "_check_bf16_tensor_supported", lambda _: True)
    assert fast_dtype("cuda") is getattr(torch, fast)


def test_the_cpu_works_in_float32():
    assert str(fast_dtype("cpu")) == "torch.float32"
