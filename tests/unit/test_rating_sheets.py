from dataclasses import replace

import pytest
from rated_kit import items, key

from sgid.rating_sheets import HEAD, Rating, Sheet, read_sheet, read_sheets, sheet_text
from sgid.rating_simulation import simulate_sheet


@pytest.fixture(scope="module")
def kit_key():
    return key(items())


@pytest.fixture
def sheet(kit_key) -> Sheet:
    """A whole sheet of the first page, as a person would hand it in."""
    return replace(simulate_sheet(kit_key, 1), simulated=False, annotator="Ada")


def saved(sheet: Sheet, folder, name: str = "ada.csv") -> str:
    (folder / name).write_text(sheet_text(sheet), encoding="utf-8")
    return str(folder / name)


def changed(sheet: Sheet, folder, line: int, text: str) -> str:
    """The sheet with another line at that place."""
    lines = sheet_text(sheet).splitlines()
    lines[line] = text
    (folder / "ada.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(folder / "ada.csv")


def test_a_sheet_is_read_as_it_was_written(sheet, kit_key, tmp_path):
    path = saved(sheet, tmp_path)
    assert read_sheets([path], [kit_key]) == [replace(sheet, path=path)]


def test_spreadsheets_may_have_passed_it_on(sheet, kit_key, tmp_path):
    (tmp_path / "ada.csv").write_bytes(b"\xef\xbb\xbf" + sheet_text(sheet).replace("\n", "\r\n").encode())
    assert read_sheets([tmp_path / "ada.csv"], [kit_key])[0].ratings == sheet.ratings


def test_a_name_may_hold_commas_and_quotes(sheet, kit_key, tmp_path):
    named = replace(sheet, annotator='Lovelace, "Ada"')
    assert read_sheet(saved(named, tmp_path)).annotator == 'Lovelace, "Ada"'


@pytest.mark.parametrize("text", ["", "image_id,source_id,reason\na,b,c\n", HEAD + "\n"])
def test_what_is_no_sheet_is_refused(text, tmp_path):
    (tmp_path / "ada.csv").write_text(text)
    with pytest.raises(ValueError, match=r"ada\.csv: no sheet of ratings below the line 'page,annotator,"):
        read_sheet(tmp_path / "ada.csv")


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b'page,"annot'])
def test_what_cannot_be_read_is_refused(data, tmp_path):
    (tmp_path / "ada.csv").write_bytes(data)
    with pytest.raises(ValueError, match=r"ada\.csv: cannot be read as CSV in UTF-8"):
        read_sheet(tmp_path / "ada.csv")


@pytest.mark.parametrize("scores", ["6,1", "0,1", "3,2.5", "3,x"])
def test_scores_out_of_range_are_refused(sheet, tmp_path, scores):
    path = changed(sheet, tmp_path, 2, f"{sheet.page},Ada,{sheet.ratings[1].item},{scores},1.0,no")
    with pytest.raises(ValueError, match=r"ada\.csv: row 3 has the scores .* which must be 1, 2, 3, 4 or 5"):
        read_sheet(path)


@pytest.mark.parametrize("line", ["{page},Ada,{item},3,,1.0,no", "{page},Ada,{item},3", "{page}, ,{item},3,3,1.0,no"])
def test_rows_that_are_not_filled_in_are_refused(sheet, tmp_path, line):
    path = changed(sheet, tmp_path, 1, line.format(page=sheet.page, item=sheet.ratings[0].item))
    with pytest.raises(ValueError, match=r"ada\.csv: row 2 is not 'page,.* all filled in; save the sheet again"):
        read_sheet(path)


@pytest.mark.parametrize("seconds", ["soon", "-1", "nan", "inf"])
def test_a_time_that_is_none_is_refused(sheet, tmp_path, seconds):
    path = changed(sheet, tmp_path, 1, f"{sheet.page},Ada,{sheet.ratings[0].item},3,3,{seconds},no")
    with pytest.raises(ValueError, match=f"row 2 took '{seconds}' seconds"):
        read_sheet(path)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("{page},Bob,{item},3,3,1.0,no", r"annotator \(Ada, Bob\)"),
        ("feed,Ada,{item},3,3,1.0,no", "page"),
        ("{page},Ada,{item},3,3,1.0,yes", r"simulated \(no, yes\)"),
    ],
)
def test_two_sheets_in_one_file_are_refused(sheet, tmp_path, line, name):
    path = changed(sheet, tmp_path, 1, line.format(page=sheet.page, item=sheet.ratings[0].item))
    with pytest.raises(ValueError, match=rf"holds more than one {name}"):
        read_sheet(path)


def test_a_word_other_than_yes_or_no_is_refused(sheet, tmp_path):
    (tmp_path / "ada.csv").write_text(sheet_text(sheet).replace(",no\n", ",maybe\n"))
    with pytest.raises(ValueError, match="`simulated` is 'maybe', not yes or no"):
        read_sheet(tmp_path / "ada.csv")


def test_an_incomplete_sheet_is_refused(sheet, kit_key, tmp_path):
    path = saved(replace(sheet, ratings=sheet.ratings[2:]), tmp_path)
    with pytest.raises(ValueError, match=r"ada\.csv: 2 of 16 items have no rating; let Ada load the sheet"):
        read_sheets([path], [kit_key])


def test_a_sheet_of_other_pictures_is_refused(sheet, kit_key, tmp_path):
    path = saved(replace(sheet, page="0123456789abcdef"), tmp_path)
    with pytest.raises(ValueError, match=r"ada\.csv: rated on page 0123456789abcdef, which this kit does not have"):
        read_sheets([path], [kit_key])


def test_an_item_that_is_not_on_the_page_is_refused(sheet, kit_key, tmp_path):
    path = saved(replace(sheet, ratings=(*sheet.ratings[1:], Rating("feed", 3, 3, 1.0))), tmp_path)
    with pytest.raises(ValueError, match=r"ada\.csv: item 'feed' is not on its page"):
        read_sheets([path], [kit_key])


def test_an_item_that_is_rated_twice_is_refused(sheet, kit_key, tmp_path):
    path = saved(replace(sheet, ratings=(*sheet.ratings, sheet.ratings[0])), tmp_path)
    with pytest.raises(ValueError, match=r"ada\.csv: item '.*' is rated twice"):
        read_sheets([path], [kit_key])


def test_a_page_that_was_handed_in_twice_is_refused(sheet, kit_key, tmp_path):
    paths = [saved(sheet, tmp_path), saved(replace(sheet, annotator="Bob"), tmp_path, "bob.csv")]
    with pytest.raises(ValueError, match=r"bob\.csv: the same page as .*ada\.csv"):
        read_sheets(paths, [kit_key])


def test_an_annotator_who_rated_a_data_set_twice_is_refused(sheet, kit_key, tmp_path):
    second = replace(simulate_sheet(kit_key, 2), simulated=False, annotator="ada")
    with pytest.raises(ValueError, match=r"2\.csv: ada has rated shapes in .*ada\.csv already"):
        read_sheets([saved(sheet, tmp_path), saved(second, tmp_path, "2.csv")], [kit_key])


def test_simulated_sheets_do_not_mix_with_those_of_people(sheet, kit_key, tmp_path):
    paths = [saved(sheet, tmp_path), saved(simulate_sheet(kit_key, 2), tmp_path, "chance.csv")]
    with pytest.raises(ValueError, match=r"chance\.csv: simulated, while .*ada\.csv is not"):
        read_sheets(paths, [kit_key])


def test_any_number_of_annotators_is_welcome(kit_key, tmp_path):
    sheets = [simulate_sheet(kit_key, number) for number in (1, 2, 3)]
    for count in (1, 2, 3):
        paths = [saved(each, tmp_path, f"{each.annotator}.csv") for each in sheets[:count]]
        assert len(read_sheets(paths, [kit_key])) == count


def test_simulated_sheets_say_so_in_every_row(kit_key):
    rows = sheet_text(simulate_sheet(kit_key, 1)).splitlines()[1:]
    assert len(rows) == 16
    assert all(row.endswith(",yes") for row in rows)


def test_simulated_annotators_differ_and_are_the_same_each_time(kit_key):
    scores = [
        [(rating.consistency, rating.diversity) for rating in simulate_sheet(kit_key, number).ratings]
        for number in (1, 2, 1)
    ]
    assert scores[0] == scores[2] != scores[1]
