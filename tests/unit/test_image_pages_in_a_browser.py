"""The page of pictures as a person uses it. Asked of Chromium, where there is one."""

import pytest
from browser import CHROMIUM, Browser
from drawn_sets import drawn_row
from test_image_pages import render

from sgid.rejects import HEAD, read_rejects

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the page's script is not tried")
FILE = "rejects-pets-sgid.csv"
DRAWN = [
    drawn_row("a, \"1\"", 0), drawn_row("b", 0, caption="a zebra"), drawn_row("c", 1, flag="black"), drawn_row("d", 1)
]  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "sgid.html"
    path.write_text(render(path.parent / "set", DRAWN), encoding="utf-8")
    return path


@pytest.fixture
def browser(tmp_path, page):
    with Browser(tmp_path) as browser:
        browser.open(page)
        yield browser


def count(browser) -> str:
    return browser.run("document.getElementById('count').textContent")


def choose(browser, name: str, value: str) -> str:
    """The counter after a filter is set."""
    browser.run(f"document.getElementById('{name}').value = {value!r}")
    browser.run(f"document.getElementById('{name}').dispatchEvent(new Event('input', {{bubbles: true}}))")
    return count(browser).split(",")[0]


def note_after(browser, path) -> str:
    browser.run("document.getElementById('note').textContent = ''")
    browser.choose_file("#load", path)
    browser.until("document.getElementById('note').textContent !== ''")
    return browser.run("document.getElementById('note').textContent")


def test_pictures_are_ticked_saved_kept_and_loaded_again(browser, page, tmp_path):
    for key in "jxjjx":
        browser.press(key)
    assert count(browser) == "4 of 4 pictures, 2 rejected"
    browser.run("document.getElementById('save').click()")
    saved = browser.downloads / FILE
    while not saved.exists():
        browser.run("new Promise((done) => setTimeout(done, 20))")
    assert read_rejects(saved) == {DRAWN[0]["image_id"], DRAWN[2]["image_id"]}

    browser.open(page)
    assert count(browser) == "4 of 4 pictures, 2 rejected"
    more = tmp_path / "more.csv"
    more.write_text(f'{HEAD}\r\nd/sgid/noise-0.3/0,d,"wrong, ""all"" of it"\r\nelsewhere/0,elsewhere,\r\n')
    assert "2 rejected pictures loaded from more.csv, 1 of which this page does not show" in note_after(browser, more)
    assert count(browser) == "4 of 4 pictures, 3 rejected, and 1 that this page does not show"
    assert browser.run("document.querySelectorAll('.reason')[3].value") == 'wrong, "all" of it'

    wrong = tmp_path / "wrong.csv"
    wrong.write_text("file,label\na,1\n")
    assert "wrong.csv is no reject list" in note_after(browser, wrong)
    assert "3 rejected" in count(browser)


def test_filters_hide_what_does_not_pass(browser):
    assert choose(browser, "text", "Zebra A") == "1 of 4 pictures"
    assert choose(browser, "text", "") == "4 of 4 pictures"
    assert choose(browser, "class", "1") == "2 of 4 pictures"
    assert choose(browser, "flag", "flag black") == "1 of 4 pictures"
    assert choose(browser, "flag", "none") == "1 of 4 pictures"
    assert choose(browser, "noise", "0.3") == "1 of 4 pictures"
    assert choose(browser, "state", "yes") == "0 of 4 pictures"
    assert browser.run("document.getElementById('nothing').hidden") is False
    sent = [each["params"] for each in browser.events if each.get("method") == "Network.requestWillBeSent"]
    assert {each["request"]["url"].split(":")[0] for each in sent} <= {"file", "data"}
