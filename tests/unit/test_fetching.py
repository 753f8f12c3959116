import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from archive_server import mirror_of

from sgid.datasets.fetching import ROOT_VARIABLE, fetch_dataset, fetched_files, resource_roots
from sgid.runtime import write_json
from sgid.transfer import RefusedError

DATA = {"images": np.random.default_rng(0).bytes(50_000), "labels": b"labels"}
FILES = {"images": "images.tgz", "labels": "labels.mat"}


def archives(*urls: str, **paths: Path) -> dict[str, dict]:
    """Two archives as the configuration has them: images at `urls`, both where `paths` say."""
    found = {
        role: {"file": FILES[role], "urls": [], "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        | ({"path": str(paths[role])} if role in paths else {})
        for role, data in DATA.items()
    }
    return found | {"images": found["images"] | {"urls": list(urls)}}


RECORD = {role: {key: entry[key] for key in ("file", "bytes", "sha256")} for role, entry in archives().items()}


def copies(folder: Path, *roles: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for role in roles or DATA:
        (folder / FILES[role]).write_bytes(DATA[role])
    return folder


@pytest.fixture
def here(tmp_path):
    return tmp_path / "resources" / "datasets" / "pets"


def test_the_environment_comes_before_the_configuration(monkeypatch, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    monkeypatch.setenv(ROOT_VARIABLE, str(one))
    assert resource_roots(str(two)) == [one, two]


def test_a_root_that_is_not_there_is_refused_by_its_name(monkeypatch, tmp_path):
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    with pytest.raises(RefusedError, match=r"^resources_root: there is no folder .*nowhere; correct the path"):
        resource_roots(str(tmp_path / "nowhere"))
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path / "gone"))
    with pytest.raises(RefusedError, match=rf"^\${ROOT_VARIABLE}: there is no folder .*gone"):
        resource_roots(None)


def test_there_may_be_no_root(monkeypatch):
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    assert resource_roots(None) == resource_roots("") == []


@pytest.mark.parametrize("below", ["datasets/pets", "pets"])
def test_a_copy_below_a_root_is_linked_and_recorded(here, tmp_path, below):
    copy = copies(tmp_path / "root" / below)
    assert fetch_dataset("pets", archives(), here, roots=[tmp_path / "nothing", tmp_path / "root"]) == RECORD
    assert [(here / file).readlink() for file in FILES.values()] == [copy / file for file in FILES.values()]


def test_the_first_root_that_has_a_file_gives_it(here, tmp_path):
    first, second = copies(tmp_path / "one" / "pets", "images"), copies(tmp_path / "two" / "pets")
    fetch_dataset("pets", archives(), here, roots=[tmp_path / "one", tmp_path / "two"])
    assert (here / "images.tgz").readlink() == first / "images.tgz"
    assert (here / "labels.mat").readlink() == second / "labels.mat"


def test_a_path_comes_before_every_root(here, tmp_path):
    (tmp_path / "mine").write_bytes(DATA["images"])
    copies(tmp_path / "root" / "pets")
    assert fetch_dataset("pets", archives(images=tmp_path / "mine"), here, roots=[tmp_path / "root"]) == RECORD
    assert (here / "images.tgz").readlink() == tmp_path / "mine"


def test_what_was_put_into_the_folder_stays_as_it_is(here):
    copies(here)
    assert fetch_dataset("pets", archives(), here) == RECORD
    assert not any((here / file).is_symlink() for file in FILES.values())


def test_the_record_is_the_same_from_a_mirror(here):
    copies(here, "labels")
    with mirror_of("images.tgz", DATA["images"]) as mirror:
        assert fetch_dataset("pets", archives(mirror.url), here) == RECORD
    assert (here / "images.tgz").read_bytes() == DATA["images"]


def test_a_hash_that_the_configuration_lacks_is_in_the_record(here):
    copies(here)
    known = {
        role: entry | {"sha256": None, "md5": hashlib.md5(DATA[role]).hexdigest()} for role, entry in archives().items()
    }
    assert fetch_dataset("pets", known, here) == RECORD


@pytest.mark.parametrize("root", ["resources", "alias", "alias/../resources"])
def test_a_folder_that_is_also_a_root_by_another_name_keeps_its_files(here, tmp_path, root):
    copies(here)
    (tmp_path / "alias").symlink_to(tmp_path / "resources")
    assert fetch_dataset("pets", archives(), here, roots=[tmp_path / root]) == RECORD
    assert (here / "images.tgz").read_bytes() == DATA["images"]


def test_a_copy_that_moved_is_linked_anew(here, tmp_path):
    copies(tmp_path / "one" / "pets")
    fetch_dataset("pets", archives(), here, roots=[tmp_path / "one"])
    os.rename(tmp_path / "one", tmp_path / "two")
    assert fetch_dataset("pets", archives(), here, roots=[tmp_path / "two"]) == RECORD
    assert (here / "images.tgz").read_bytes() == DATA["images"]


def test_a_wrong_copy_is_refused_by_its_path(here, tmp_path):
    copy = copies(tmp_path / "root" / "pets")
    (copy / "labels.mat").write_bytes(b"Labels")
    with pytest.raises(
        RefusedError, match=r"root/pets/labels\.mat: its sha256 is \w+ where \w+ is expected; it is a copy of"
    ):
        fetch_dataset("pets", archives(), here, roots=[tmp_path / "root"])
    assert not (here / "labels.mat").exists()


def test_an_archive_from_nowhere_is_refused_before_any_download(here):
    sentence = (
        r"^pets: no mirror is known of labels\.mat \(6 bytes, sha256 \w+\); .* datasets\.pets\.archives\.labels\.path, "
        rf"or put it into the folder resources/datasets/pets/ .* \${ROOT_VARIABLE}, or .* datasets\.pets\.repacking"
    )
    with mirror_of("images.tgz", DATA["images"]) as mirror, pytest.raises(RefusedError, match=sentence):
        fetch_dataset("pets", archives(mirror.url), here)
    assert not mirror.asked
    assert not here.exists()


def test_a_path_that_is_not_there_is_refused_before_any_download(here, tmp_path):
    sentence = r"nothing: there is no such file; put labels\.mat there or correct its `path`"
    with mirror_of("images.tgz", DATA["images"]) as mirror, pytest.raises(RefusedError, match=sentence):
        fetch_dataset("pets", archives(mirror.url, labels=tmp_path / "nothing"), here)
    assert not mirror.asked


def test_a_mirror_that_fails_leads_to_what_the_user_can_do(here):
    copies(here, "labels")
    sentence = r"404 .*; get it another way and name it as datasets\.pets\.archives\.images\.path, or put it into"
    with mirror_of("images.tgz", None) as mirror, pytest.raises(RefusedError, match=sentence):
        fetch_dataset("pets", archives(mirror.url), here)
    assert [path.name for path in here.iterdir()] == ["labels.mat"]


def test_a_repacking_is_linked_and_nothing_fetched(here, tmp_path):
    (tmp_path / "repacked").mkdir()
    found = fetch_dataset("pets", archives(), here, repacking=str(tmp_path / "repacked"))
    assert found == {"repacking": {"file": "repacking"}}
    assert [path.name for path in here.iterdir()] == ["repacking"]
    assert (here / "repacking").readlink() == tmp_path / "repacked"


def test_another_repacking_takes_the_place_of_the_last(here, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        fetch_dataset("pets", archives(), here, repacking=str(tmp_path / name))
    assert (here / "repacking").readlink() == tmp_path / "two"


def test_a_repacking_that_is_not_there_is_refused(here):
    with pytest.raises(RefusedError, match=r"^datasets\.pets\.repacking: there is no /no/where; correct the path$"):
        fetch_dataset("pets", archives(), here, repacking="/no/where")


def test_the_files_of_a_record_lie_beside_it(tmp_path):
    write_json(RECORD, tmp_path / "fetched.json")
    assert fetched_files([tmp_path / "fetched.json"]) == {role: tmp_path / file for role, file in FILES.items()}


def test_a_set_that_is_not_fetched_has_no_files():
    assert fetched_files([]) == {}


def test_beside_a_repacking_count_the_files_that_are_at_hand_and_nothing_is_fetched(here, tmp_path):
    (tmp_path / "repacked").mkdir()
    (tmp_path / "labels.mat").write_bytes(DATA["labels"])
    with mirror_of("images.tgz", DATA["images"]) as mirror:
        wanted = archives(mirror.url, labels=tmp_path / "labels.mat")
        record = fetch_dataset("pets", wanted, here, repacking=str(tmp_path / "repacked"))
    assert record.keys() == {"repacking", "labels"}
    assert not mirror.asked


def test_all_files_without_a_source_are_named_at_once(here):
    with pytest.raises(RefusedError, match=r"no mirror is known of images\.tgz \(.*\), labels\.mat \("):
        fetch_dataset("pets", archives(), here)


def test_a_file_of_ones_own_is_not_replaced_by_a_link(here, tmp_path):
    here.mkdir(parents=True)
    (here / "repacking").mkdir()
    (tmp_path / "other").mkdir()
    with pytest.raises(RefusedError, match=r"repacking: lies there already, and .*other is named as well"):
        fetch_dataset("pets", {}, here, repacking=str(tmp_path / "other"))
    assert (here / "repacking").is_dir()
