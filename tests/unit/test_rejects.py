import pytest

from sgid.rejects import HEAD, read_rejects


def read(tmp_path, text: str, encoding: str = "utf-8") -> set[str]:
    (tmp_path / "rejects.csv").write_bytes(text.encode(encoding))
    return read_rejects(tmp_path / "rejects.csv")


def test_a_list_gives_the_ids_of_its_pictures(tmp_path):
    text = f'{HEAD}\na/0,a,wrong class\n"b, ""x""/0","b, ""x""","line\nbreak"\n'
    assert read(tmp_path, text) == {"a/0", 'b, "x"/0'}


def test_a_list_of_nothing_rejects_nothing(tmp_path):
    assert read(tmp_path, f"{HEAD}\n") == set()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_what_a_spreadsheet_saves_is_read(tmp_path, encoding):
    assert read(tmp_path, f"{HEAD}\r\nträin/0,träin,\r\n\r\n", encoding) == {"träin/0"}


def test_a_picture_may_stand_twice(tmp_path):
    assert read(tmp_path, f"{HEAD}\na/0,a,\na/0,a,artefacts\n") == {"a/0"}


REFUSED = {
    "": "no reject list, for its first line is not 'image_id,source_id,reason'",
    "file,label\na,1\n": "no reject list",
    "image_id;source_id;reason\na;a;\n": "no reject list",
    f"{HEAD}\na/0,a\n": "row 2 is no 'image_id,source_id,reason' with an image_id; correct or remove it",
    f"{HEAD}\na/0,a,\n,a,\n": "row 3 is no",
    f"{HEAD}\na/0,a,\n{HEAD}\nb/0,b,\n": "row 3 is no",
    f'{HEAD}\na/0,a,"open': "cannot be read as CSV in UTF-8",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_reject_list_is_refused_in_a_sentence(tmp_path, text):
    with pytest.raises(ValueError, match=r"rejects\.csv: ") as caught:
        read(tmp_path, text)
    assert REFUSED[text] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_encodings_and_missing_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot be read as CSV in UTF-8"):
        read(tmp_path, f"{HEAD}\nträin/0,träin,\n", "latin-1")
    with pytest.raises(ValueError, match="there is no such file; save a reject list"):
        read_rejects(tmp_path / "none.csv")
