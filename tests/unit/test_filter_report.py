"""The report of a filter: counts by reason and class, the spread of scores, notes, and a few rejected pictures."""

import re
from pathlib import Path

import pandas as pd
import pytest
from drawn_sets import drawn_row, with_pictures, write_set

from sgid.filter_pages import by_class, html_page, markdown, notes_of, percent, scores_section, sections_of, title_of
from sgid.filter_tables import ALL, UNSAID, agreement_of, bare_classes, counts_of, spread_of
from sgid.reject_grid import EXAMPLES, NONE, columns_of, examples_of, reject_rows
from sgid.rejection import VERDICT

ROOT = Path(__file__).parents[2]
HEADING = {
    "dataset": "pets", "title": "Pets & co", "recipe": "kept", "filters": "sgid", "miniature": True,
    "filter": {"flagged": True, "unchanged": 0.9, "too_easy": None},
}  # fmt: skip
FOUND = pd.DataFrame(
    [
        ("p0", "a", 0, "", ""),
        ("p1", "b", 0, "unchanged", "unchanged"),
        ("p2", "c", 1, "flagged", "flagged; unchanged"),
        ("p3", "d", 1, "", ""),
        ("p4", "e", 1, "unchanged", "unchanged"),
    ],
    columns=VERDICT,
)
STAMP = "Miniature: drawn data set, tiny models; no reproduction of the paper."
LIST = {"p1": "unchanged", "p2": "flagged", "p4": "unchanged"}
PICTURES = pd.DataFrame({"label": [0, 0, 1, 1, 1], "cosine": [0.1, 0.2, 0.3, 0.4, 0.5], "clip_class": [0, 0, 1, 1, 0]})


def counts(rejects=LIST, found=FOUND):
    return counts_of(found, rejects, recipe=HEADING, names=["cat", "dog"])


def row(frame, name, reason):
    (found,) = frame[(frame["class_name"] == name) & (frame["reason"] == reason)].to_dict("records")
    return found["drawn"], found["left_out"], found["applying"]


def test_a_picture_counts_under_its_first_reason_and_every_reason_is_told():
    frame = counts()
    assert row(frame, ALL, ALL) == (5, 3, 3)
    assert row(frame, ALL, "flagged") == (5, 1, 1)
    assert row(frame, ALL, "unchanged") == (5, 2, 3)
    assert row(frame, "dog", "unchanged") == (3, 1, 2)


def test_reasons_add_up_to_what_is_left_out_in_every_class():
    frame = counts()
    whole = frame[frame["reason"] == ALL].set_index("class_name")["left_out"]
    parts = frame[frame["reason"] != ALL].groupby("class_name")["left_out"].sum()
    assert parts.to_dict() == whole.to_dict()


def test_the_class_that_loses_most_comes_first_behind_all():
    assert counts()["class_name"].unique().tolist() == [ALL, "dog", "cat"]


def test_an_edited_list_decides_and_a_persons_reasons_have_their_columns():
    frame = counts({"p0": "ugly", "p3": "", "of/another/set": "flagged"})
    assert row(frame, ALL, ALL)[:2] == (5, 2)
    assert row(frame, "cat", "ugly") == (2, 1, 0)
    assert row(frame, "dog", UNSAID)[1] == 1
    assert row(frame, ALL, "flagged") == (5, 0, 1)


def test_a_rule_that_is_on_has_a_line_though_it_rejects_nothing():
    quiet = counts({}, FOUND.assign(reason="", applying=""))
    assert quiet.loc[quiet["class_name"] == ALL, "reason"].tolist() == [ALL, "flagged", "unchanged"]
    assert quiet["left_out"].sum() == quiet["applying"].sum() == 0


def test_a_class_and_a_reason_that_are_called_all_are_kept_apart_from_the_totals():
    frame = counts_of(FOUND, {"p0": "all", "p2": "flagged"}, recipe=HEADING, names=["all", "dog"])
    assert frame["class_name"].unique().tolist() == [ALL, "'all'", "dog"]
    assert row(frame, ALL, ALL) == (5, 2, 3)
    assert row(frame, "'all'", "'all'") == (2, 1, 0)


def test_classes_of_one_name_have_a_row_each_in_table_and_report():
    frame = counts_of(FOUND, LIST, recipe=HEADING, names=["crane", "crane"])
    assert row(frame, "crane (0)", ALL) == (2, 1, 1)
    assert row(frame, "crane (1)", ALL) == (3, 2, 2)
    _, by_class, _ = sections_of(frame, PICTURES, heading=HEADING)
    assert [line[0] for line in by_class.rows] == ["crane (1)", "crane (0)", ALL]


def test_classes_without_a_picture_are_named_in_the_notes():
    bare = counts({"p0": "ugly", "p1": "ugly"})
    assert (bare_classes(counts()), bare_classes(bare)) == ([], ["cat"])
    notes = notes_of(bare, PICTURES, heading=HEADING, noise_rate="0.5", stamp="", seen=None, record=None)
    assert "No picture is left of 1 classes, which keep their originals: cat." in notes


def test_scores_and_agreement_are_of_what_was_asked():
    assert spread_of(PICTURES).index.tolist() == ["cosine"]
    assert spread_of(PICTURES).loc["cosine", 0.5] == pytest.approx(0.3)
    assert agreement_of(PICTURES) == {"CLIP": 0.8}
    judged = PICTURES.assign(probability=0.6, threshold=0.5, predicted=1)
    assert spread_of(judged).loc["sureness", 0.95] == pytest.approx(1.2)
    assert agreement_of(judged) == {"CLIP": 0.8, "the classifier": 0.6}


def test_each_score_says_for_which_rules_it_is_and_none_stands_as_a_total():
    section = scores_section(spread_of(PICTURES))
    assert section.heads[:4] == ("Score", "For the rules", "5 %", "25 %")
    assert section.rows == [
        ("CLIP: cosine of picture and original", "too unlike, unchanged", "0.120", "0.200", "0.300", "0.400", "0.480")
    ]
    template = (ROOT / "report/filter.html.j2").read_text(encoding="utf-8")
    page = html_page(template, "", [by_class(counts()), section], notes=[], picture="kept.png")
    assert re.findall(r"<tbody[^>]*>", page) == ['<tbody class="totals">', "<tbody>"]
    assert "tbody.totals tr:last-child" in page


def told(rejects=LIST, heading=HEADING, record=None, seen=None):
    sections = sections_of(counts(rejects), PICTURES, heading=heading)
    return sections, notes_of(
        counts(rejects),
        PICTURES,
        heading=heading,
        noise_rate="0.5",
        stamp=STAMP if heading["miniature"] else "",
        seen=seen,
        record=record,
    )


def test_the_report_says_miniature_what_is_filtered_and_how_good_the_classifier_is():
    record = {"backbone": "resnet50", "accuracy": 81.25, "test_images": 320}
    sections, notes = told(seen=0.9, record=record)
    text = markdown(title_of(HEADING), sections, notes)
    assert "(miniature)" in text
    assert "Miniature: drawn data set" in text
    assert "| unchanged | 0.9 | 2 | 40.0 % | 3 |" in text
    assert "| dog | 3 | 2 | 66.7 % | 1 | 1 |" in text
    assert "CLIP sees it in 90.0 %." in text
    assert "it tells 81.2 % right (320 images)" in text
    assert "miniature" not in title_of(HEADING | {"miniature": False})
    assert told(heading=HEADING | {"miniature": False})[1][0].startswith(
        "Of the pictures of recipe sgid at noise rate 0.5"
    )


def test_a_control_says_what_it_is_like():
    _, notes = told(heading=HEADING | {"filter": {"like": "sgid_by_both"}})
    assert "Control: as many pictures of each class as sgid_by_both leaves out, taken by chance." in notes


def test_the_page_escapes_names_and_has_every_number_of_the_markdown():
    sections, notes = told()
    template = (ROOT / "report/filter.html.j2").read_text(encoding="utf-8")
    page = html_page(template, title_of(HEADING), sections, notes=notes, picture="kept.png")
    assert "Pets &amp; co" in page
    assert '<a href="kept.png">' in page
    assert all(f">{field}</t" in page for section in sections for line in section.rows for field in line)


def test_shares_have_one_decimal():
    assert percent(1 / 3) == "33.3 %"


def test_examples_are_drawn_by_name_the_most_frequent_reason_first():
    many = {f"p{number}": "flagged" if number < 3 else "unchanged" for number in range(12)}
    examples = examples_of(many, seed=0)
    assert [*examples] == ["unchanged", "flagged"]
    assert len(examples["unchanged"]) == EXAMPLES
    assert examples == examples_of(dict(reversed(many.items())), seed=0)
    assert examples != examples_of(many, seed=1)


def test_a_rejected_picture_stands_behind_its_own_original(tmp_path):
    rows = [drawn_row("a", 0), drawn_row("b", 1)]
    originals = with_pictures([{"image_id": "a", "label": 0}, {"image_id": "b", "label": 1}])
    rejects = {rows[1]["image_id"]: "flagged", "of/another/set": "flagged"}
    (line,) = reject_rows(write_set(tmp_path, rows), originals, rejects, names={0: "cat", 1: "dog"}, seed=0)
    assert (line.label, line.note) == ("flagged (1)", "dog")
    assert [picture.getpixel((0, 0)) for picture in line.pictures[:2]] == [(1, 0, 90)] * 2
    assert len(line.pictures) == len(columns_of())


def test_a_grid_of_nothing_says_so(tmp_path):
    rows = [drawn_row("a", 0)]
    (line,) = reject_rows(write_set(tmp_path, rows), with_pictures(rows), {}, names={0: "cat"}, seed=0)
    assert line.label == NONE
