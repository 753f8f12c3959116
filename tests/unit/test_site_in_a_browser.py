"""The site as a reader meets it, at a desk and on a phone. Asked of Chromium, where there is one."""

import os
from itertools import pairwise

import pytest
from browser import CHROMIUM, Browser
from configuration_files import FILES, read_config
from site_files import write_site

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the site is not tried in a browser")
SIZES = {"desk": (1280, 900), "phone": (390, 844)}
# Texts whose contrast with what is behind them is below 4.5.
PALE = """(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (part) => { part /= 255; return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (each) => { for (; each; each = each.parentElement) {
    const color = rgb(getComputedStyle(each).backgroundColor); if (color.length === 3 || color[3] > 0) return color; }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0] : [255, 255, 255]; };
  const holds = (each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  const shown = [...document.body.querySelectorAll("*")].filter((each) => holds(each) && each.checkVisibility());
  return shown.filter((each) => {
    const [low, high] = [light(rgb(getComputedStyle(each).color)), light(behind(each))].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05) < 4.5;
  }).map((each) => each.outerHTML);
})()"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder, before = tmp_path_factory.mktemp("site"), os.getcwd()
    os.chdir(folder)
    yield write_site(folder, read_config(*FILES)).parent
    os.chdir(before)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("chromium")) as browser:
        browser.call("Log.enable")
        yield browser


WITH_RESULTS = ["index.html", "tables/table3.html"]
sortable = pytest.mark.parametrize("page", WITH_RESULTS, indirect=True)


@pytest.fixture(params=[*WITH_RESULTS, "pictures/pets.html"])
def page(request, site):
    return site / request.param


@pytest.fixture(params=SIZES)
def browser(request, chromium, page):
    """The page at one of the sizes; Tab starts at its top."""
    width, height = SIZES[request.param]
    chromium.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
    )
    chromium.open(page)
    return chromium


def press(browser, key: str, code: int) -> None:
    """A key without a letter of its own, or Enter."""
    text = {"text": "\r"} if key == "Enter" else {}
    browser.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **text)
    browser.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)


def column(browser, selector: str, place: int) -> list[str]:
    """The texts of a column, from top to bottom."""
    rows = f"[...document.querySelector({selector!r}).tBodies[0].rows]"
    return browser.run(f"{rows}.map((row) => row.cells[{place}].innerText.split(/\\s/)[0])")


def test_a_page_opens_without_complaint_and_asks_nothing_of_the_network(browser):
    methods = [each.get("method") for each in browser.events]
    assert not {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"} & set(methods)
    sent = [
        each["params"]["request"]["url"] for each in browser.events if each.get("method") == "Network.requestWillBeSent"
    ]
    assert {url.split(":")[0] for url in sent} <= {"file", "data"}
    assert "Network.loadingFailed" not in methods


def test_the_page_is_no_wider_than_the_window_and_tables_scroll_inside_their_box(browser):
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    assert browser.run(
        "[...document.querySelectorAll('table')].every((each) => each.closest('.wide[tabindex=\"0\"][aria-label]'))"
    )


def test_a_table_that_scrolls_says_so_and_is_scrolled_by_keyboard(browser):
    boxes = browser.run("""[...document.querySelectorAll('.wide')].filter((box) => box.checkVisibility()).map((box) =>
        [box.scrollWidth > box.clientWidth + 1, getComputedStyle(box, '::before').content !== 'none'])""")
    assert all(scrolls == told for scrolls, told in boxes)
    if any(scrolls for scrolls, _ in boxes):
        box = "[...document.querySelectorAll('.wide')].find((box) => box.dataset.scrolls)"
        browser.run(f"{box}.focus()")
        pressed = 0
        while not browser.run(f"{box}.scrollLeft > 0"):
            press(browser, "ArrowRight", 39)
            pressed += 1
            assert pressed < 1000


@sortable
def test_on_a_phone_tables_of_results_scroll(chromium, page):
    chromium.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
    chromium.open(page)
    assert chromium.run("Boolean(document.querySelector('table.results').closest('.wide').dataset.scrolls)")


def test_the_document_says_what_it_is(browser):
    assert browser.run("document.documentElement.lang") == "en"
    assert browser.run("document.title === document.querySelector('h1').textContent.trim()")
    assert browser.run("document.querySelectorAll('h1, main').length") == 2


def test_headings_leave_no_level_out(browser):
    levels = browser.run("[...document.querySelectorAll('h1, h2, h3, h4')].map((each) => Number(each.tagName[1]))")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_picture_is_shown_and_has_a_text(browser):
    assert browser.run(
        "[...document.images].every((each) => each.complete && each.naturalWidth > 0 && each.alt.length > 20)"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_text_is_pale(browser, scheme):
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    pale = browser.run(PALE)
    browser.call("Emulation.setEmulatedMedia", features=[])
    assert pale == []


def test_every_stop_of_the_tabulator_can_be_seen(browser):
    for _ in range(min(12, browser.run("document.querySelectorAll('a, button, summary, [tabindex]').length"))):
        press(browser, "Tab", 9)
        outline = browser.run("getComputedStyle(document.activeElement).outlineStyle")
        width = browser.run("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
        assert (outline, width >= 2) == ("solid", True), browser.run("document.activeElement.outerHTML")


@sortable
def test_a_column_is_sorted_by_keyboard_and_brought_back(browser):
    before = column(browser, "table.results", 3)
    numbers = sorted((text for text in before if text != "not"), key=float)
    assert before not in (numbers, numbers[::-1])
    browser.run("document.querySelectorAll('table.results thead th')[3].querySelector('button').focus()")
    state = "document.querySelectorAll('table.results thead th')[3].getAttribute('aria-sort')"
    press(browser, "Enter", 13)
    assert (column(browser, "table.results", 3), browser.run(state)) == (numbers[::-1], "descending")
    press(browser, "Enter", 13)
    assert (column(browser, "table.results", 3), browser.run(state)) == (numbers, "ascending")
    press(browser, "Enter", 13)
    assert (column(browser, "table.results", 3), browser.run(state)) == (before, None)


@sortable
def test_what_has_not_been_run_comes_last_in_either_order(browser):
    for _ in range(2):
        browser.run("document.querySelectorAll('table.results thead button')[1].click()")
        assert column(browser, "table.results", 1)[-1] == "not"


@sortable
def test_names_are_sorted_by_letter_with_the_mouse(browser):
    box = browser.run("""(() => { const button = document.querySelector('table.results thead button');
        button.scrollIntoView({block: 'center'});
        const {x, y} = button.getBoundingClientRect(); return [x + 5, y + 5]; })()""")
    for kind in ("mousePressed", "mouseReleased"):
        browser.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)
    names = browser.run(
        "[...document.querySelector('table.results').tBodies[0].rows].map((row) => row.cells[0].innerText)"
    )
    assert names == ["+ Caption Only", "+ Complete Prompt", "+ Label Only", "w/o Prompt"]


def test_a_number_leads_to_its_runs(chromium, site):
    chromium.open(site / "index.html")
    chromium.events.clear()
    link = chromium.run("document.querySelectorAll('table.results td.number a')[2].getAttribute('href')")
    chromium.run("document.querySelectorAll('table.results td.number a')[2].click()")
    chromium.wait_for("Page.loadEventFired")
    name = link.split("#")[1]
    chromium.until(f"document.getElementById('{name}')?.closest('details').open")
    shown = chromium.run(f"document.getElementById('{name}').innerText")
    assert "results/runs/pets/resnet50/sgid_no_prompt/seed-4.json" in shown
    assert chromium.run(f"document.getElementById('{name}').getBoundingClientRect().top < innerHeight")
