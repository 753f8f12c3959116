"""The annotation page as a person uses it, from the first key to the imported sheet. Asked of Chromium, where it is."""

import pytest
from browser import CHROMIUM, Browser
from rated_kit import KIT, items, key
from test_rating_pages import TEMPLATE

from sgid.rating_pages import page_of, page_order, render_page
from sgid.rating_sheets import HEAD, read_sheet, read_sheets

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the annotation page is not tried")
TABLE = items()
ORDER = [row["image_id"] for row in page_order(TABLE, annotator=1, kit=KIT)]
SCORES = [(1 + place % 5, 5 - place % 4) for place in range(len(ORDER))]
FIT = "document.documentElement.scrollWidth <= innerWidth"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "shapes.html"
    path.write_text(render_page(TEMPLATE, TABLE, KIT, annotator=1, side=32), encoding="utf-8")
    return path


@pytest.fixture
def browser(tmp_path, page):
    with Browser(tmp_path) as browser:
        browser.call("Log.enable")
        browser.open(page)
        yield browser


def begin(browser, name: str = "Ada") -> None:
    """The name typed, and Enter."""
    browser.run("document.getElementById('name').focus()")
    for letter in name:
        browser.press(letter)
    browser.run("document.getElementById('begin').requestSubmit()")


def rate(browser, scores: list[tuple[int, int]]) -> None:
    for pair in scores:
        for score in pair:
            browser.press(str(score))


def press(browser, key_name: str) -> None:
    """A key without a letter of its own."""
    for kind in ("rawKeyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key=key_name)


def text(browser, name: str) -> str:
    return browser.run(f"document.getElementById('{name}').textContent")


def seen(browser) -> str:
    """Which of the four views is to be seen."""
    return browser.run(
        "[...document.querySelectorAll('main > section')].filter((each) => !each.hidden).map((each) => each.id).join()"
    )


def saved(browser, selector: str, name: str):
    """The file that a press on a link has saved."""
    browser.run(f"document.querySelector('{selector}').click()")
    path = browser.downloads / name
    while not path.exists():
        browser.run("new Promise((done) => setTimeout(done, 20))")
    return path


def note_after(browser, path) -> str:
    browser.run("document.getElementById('note').textContent = ''")
    browser.choose_file("#load", path)
    browser.until("document.getElementById('note').textContent !== ''")
    return text(browser, "note")


def scores_of(sheet) -> dict[str, tuple[int, int]]:
    return {rating.item: (rating.consistency, rating.diversity) for rating in sheet.ratings}


def test_an_annotator_rates_pauses_reloads_goes_on_and_hands_in(browser, page):
    begin(browser)
    assert (seen(browser), text(browser, "count")) == ("rate", "Pair 1 of 16")
    rate(browser, SCORES[:5])
    assert text(browser, "count") == "Pair 6 of 16"
    browser.press("p")
    assert seen(browser) == "paused"
    rate(browser, [(1, 1)])  # keys that must do nothing now
    assert "5 of 16 pairs are rated" in text(browser, "paused")

    browser.open(page)
    assert (seen(browser), text(browser, "go")) == ("start", "Go on")
    assert browser.run("document.getElementById('name').value") == "Ada"
    browser.run("document.getElementById('go').click()")
    assert text(browser, "count") == "Pair 6 of 16"
    rate(browser, SCORES[5:])
    assert seen(browser) == "finished"

    path = saved(browser, "#save", "table2-shapes-Ada.csv")
    sheet = read_sheets([path], [key(TABLE)])[0]
    assert scores_of(sheet) == dict(zip(ORDER, SCORES, strict=True))
    assert (sheet.annotator, sheet.page, sheet.simulated) == ("Ada", page_of(key(TABLE), 1), False)
    assert all(rating.seconds >= 0 for rating in sheet.ratings)
    assert_quiet(browser)


def assert_quiet(browser) -> None:
    """Nothing was asked of the network, and the console has nothing to complain of."""
    sent = [
        each["params"]["request"]["url"] for each in browser.events if each.get("method") == "Network.requestWillBeSent"
    ]
    assert {url.split(":")[0] for url in sent} <= {"file", "data", "blob"}
    complaints = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
    assert not [each for each in browser.events if each.get("method") in complaints]


def test_a_score_is_corrected_by_going_back(browser):
    begin(browser)
    rate(browser, [(1, 1), (2, 2)])
    press(browser, "ArrowLeft")
    press(browser, "Backspace")
    assert text(browser, "count") == "Pair 1 of 16"
    assert (
        browser.run("[...document.querySelectorAll('[aria-pressed=true]')].map((each) => each.dataset.score).join()")
        == "1,1"
    )
    rate(browser, [(5, 4)])
    press(browser, "ArrowRight")
    assert text(browser, "count") == "Pair 3 of 16"
    press(browser, "ArrowRight")  # not rated yet: stays
    assert text(browser, "count") == "Pair 3 of 16"
    browser.press("p")
    sheet = read_sheet(saved(browser, "#paused .save", "table2-shapes-Ada-incomplete.csv"))
    assert scores_of(sheet) == {ORDER[0]: (5, 4), ORDER[1]: (2, 2)}


def test_a_french_keyboard_scores_without_shift_and_a_key_held_down_scores_once(browser):
    begin(browser)
    send = {"type": "keyDown", "key": "é", "code": "Digit2", "text": "é"}
    browser.call("Input.dispatchKeyEvent", **send)
    for _ in range(5):
        browser.call("Input.dispatchKeyEvent", **send, autoRepeat=True)
    assert browser.run("[...document.querySelectorAll('[aria-pressed=true]')].map((each) => each.dataset.score)") == [
        "2"
    ]
    assert text(browser, "count") == "Pair 1 of 16"


def test_everything_can_be_pressed_instead(browser):
    begin(browser)
    for score in (4, 2):
        name = "consistency" if score == 4 else "diversity"
        browser.run(f"document.querySelector('#{name} [data-score=\"{score}\"]').click()")
    assert text(browser, "count") == "Pair 2 of 16"
    browser.run("document.getElementById('back').click()")
    assert text(browser, "count") == "Pair 1 of 16"
    browser.run("document.getElementById('forward').click()")
    browser.run("document.getElementById('pause').click()")
    assert browser.run("document.activeElement.id") == "resume"
    browser.press("p")
    assert text(browser, "count") == "Pair 2 of 16"


def test_the_clock_of_an_item_stands_still_in_a_pause(browser):
    begin(browser)
    browser.press("4")
    browser.press("p")
    browser.run("new Promise((done) => setTimeout(done, 1500))")
    browser.press("p")
    browser.press("2")
    browser.press("p")
    sheet = read_sheet(saved(browser, "#paused .save", "table2-shapes-Ada-incomplete.csv"))
    assert scores_of(sheet) == {ORDER[0]: (4, 2)}
    assert sheet.ratings[0].seconds < 1.5


def test_an_incomplete_sheet_goes_on_in_another_browser(browser, page, tmp_path):
    begin(browser, "Ada, L")
    rate(browser, SCORES[:3])
    browser.press("p")
    path = saved(browser, "#paused .save", "table2-shapes-Ada-L-incomplete.csv")
    assert "13 of 16 pairs are not rated yet" in text(browser, "note")
    (tmp_path / "other").mkdir()
    with Browser(tmp_path / "other") as other:
        other.open(page)
        assert text(other, "go") == "Start"
        assert note_after(other, path) == f"3 ratings loaded from {path.name}."
        other.run("document.getElementById('go').click()")
        assert text(other, "count") == "Pair 4 of 16"
        rate(other, SCORES[3:])
        sheet = read_sheet(saved(other, "#save", "table2-shapes-Ada-L.csv"))
    assert (sheet.annotator, scores_of(sheet)) == ("Ada, L", dict(zip(ORDER, SCORES, strict=True)))


def test_other_files_are_not_loaded(browser, tmp_path):
    hashed = page_of(key(TABLE), 1)
    for content, complaint in (
        ("image_id,reason\na,b\n", "is no sheet"),
        (f"{HEAD}\nfeed,Ada,{ORDER[0]},1,1,1.0,no\n", "belongs to another page"),
        (f"{HEAD}\n{hashed},Ada,{ORDER[0]},1,6,1.0,no\n", "row 2 is no rating of this page"),
        (f"{HEAD}\n{hashed},Ada,feed,1,1,1.0,no\n", "row 2 is no rating of this page"),
        (f"{HEAD}\n{hashed},simulated-1,{ORDER[0]},1,1,0.0,yes\n", "is simulated; nothing was loaded"),
    ):
        (tmp_path / "other.csv").write_text(content)
        assert complaint in note_after(browser, tmp_path / "other.csv")
    assert text(browser, "go") == "Start"


def test_a_name_is_needed(browser):
    browser.run("document.getElementById('name').value = '  '; document.getElementById('begin').requestSubmit()")
    assert (seen(browser), text(browser, "note")) == ("start", "Give a name first.")


def test_each_pair_shows_an_item_beside_its_original(browser):
    begin(browser)
    rows = {row["image_id"]: row for row in TABLE.to_pylist()}
    own = {row["source_id"]: name for name, row in rows.items() if row["kind"] == "original"}
    pairs = "[...document.querySelectorAll('li')].map((each) => [each.dataset.name, each.dataset.address])"
    listed = dict(browser.run(pairs))
    for place in range(3):
        shown = browser.run("[document.getElementById('original').src, document.getElementById('picture').src]")
        assert shown == [listed[own[rows[ORDER[place]]["source_id"]]], listed[ORDER[place]]]
        browser.until("document.getElementById('picture').naturalWidth === 32")
        rate(browser, [(3, 3)])


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_a_pair_and_its_scales_fit_a_screen(browser, width, height):
    browser.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
    )
    assert browser.run(FIT)
    begin(browser)
    browser.press("4")
    assert browser.run(FIT)
    assert browser.run("document.documentElement.scrollHeight <= innerHeight")


def test_the_place_of_the_focus_is_visible(browser):
    begin(browser)
    for _ in range(2):
        press(browser, "Tab")
    of = "getComputedStyle(document.activeElement)"
    found = browser.run(f"[document.activeElement.dataset.score, {of}.outlineStyle, {of}.outlineWidth]")
    assert found == ["2", "solid", "3px"]


def test_every_control_has_a_name(browser):
    begin(browser)
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "textbox", "link", "image", "progressbar", "group"}
    named = [(node["role"]["value"], node.get("name", {}).get("value")) for node in nodes if node.get("role")]
    shown = [(role, name) for role, name in named if role in roles]
    assert len([role for role, _ in shown if role == "button"]) == 13
    assert all(name for _, name in shown)
