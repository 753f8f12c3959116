import pytest

from sgid.classes import class_names, prompt_names, told_apart


@pytest.fixture
def write(tmp_path):
    def written(*rows: str):
        path = tmp_path / "classes.csv"
        path.write_text("\n".join(["label,name,prompt_name", *rows, ""]), encoding="utf-8")
        return path

    return written


def test_class_names_come_in_the_order_of_labels(write):
    assert class_names(write("1,dog,dog", '0,"cat, tabby",cat')) == ["cat, tabby", "dog"]


def test_prompts_show_the_readable_names(write):
    assert prompt_names(write("0,red_circle,red circle")) == {0: "red circle"}


def test_a_class_may_be_called_like_a_missing_value(write):
    assert prompt_names(write("0,NA,NA", "1,nan,nan")) == {0: "NA", 1: "nan"}


@pytest.mark.parametrize("names", [class_names, prompt_names])
def test_gaps_between_labels_are_refused(write, names):
    with pytest.raises(ValueError, match="labels must count from 0 without gaps"):
        names(write("0,cat,cat", "2,dog,dog"))


def test_classes_of_one_name_have_their_labels_behind_it():
    assert told_apart({0: "crane", 1: "dog", 2: "crane"}) == {0: "crane (0)", 1: "dog", 2: "crane (2)"}


def test_a_class_that_is_called_as_another_one_would_be_is_kept_apart_too():
    assert len(set(told_apart({0: "crane (1)", 1: "crane", 2: "crane"}).values())) == 3
