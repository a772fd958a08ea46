"""The page in a browser: keyboard, clicks, the link, a telephone, and that nothing is asked of another machine."""

import json
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from cascade_steering.analysis.explore.page_state import PAGE_PARAMETERS
from tests.analysis.cli.command import ENVIRONMENT
from tests.support.browser import MISSING, Browser, browser

pytestmark = [pytest.mark.long, pytest.mark.skipif(MISSING is not None, reason=str(MISSING))]
# of WebDriver
RIGHT = "\ue014"


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    pytest.importorskip("bokeh", reason="the extra explore is not installed")
    command = [sys.executable, "-m", "cascade_steering.analysis.cli", "explore", "--no-browser", "--json"]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())["address"]
    process.terminate()
    assert process.wait(30) == 0
    process.stdout.close()


@pytest.fixture(scope="module")
def opened(served: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as found:
        found.resize(1400, 1000)
        found.requests()
        yield found


def numbers(page: Browser) -> str:
    return page.text("table", "steady state")


def focused(page: Browser, option: str) -> None:
    """Put the focus on the handle of a slider, as the tabulator key does."""
    places = [each.option for each in PAGE_PARAMETERS]
    handle = page.run(
        """
        const found = [];
        function walk(root) {
          for (const each of root.querySelectorAll('*')) {
            if (each.matches('.noUi-handle')) found.push(each);
            if (each.shadowRoot) walk(each.shadowRoot);
          }
        }
        walk(document);
        found[arguments[0]].focus();
        return found.length;
        """,
        places.index(option),
    )
    assert handle == len(places)


def test_a_slider_moved_by_keyboard_changes_E_and_the_link(opened: Browser, served: str) -> None:
    opened.open(served)
    before = numbers(opened)
    assert "0.354318" in before
    focused(opened, "loss")
    opened.press(RIGHT * 10)
    opened.until(lambda: opened.address.endswith("?loss=0.1"), "the link follows the slider")
    opened.until(lambda: numbers(opened) != before, "E follows the slider")
    assert opened.text("pre", "steering steady") == "steering steady --loss 0.1"
    moved, address = numbers(opened), opened.address
    # reloaded by its link, in the same browser and on its own
    opened.open("about:blank")
    opened.open(address)
    assert numbers(opened) == moved
    assert opened.text("pre", "steering steady") == "steering steady --loss 0.1"
    assert opened.complaints() == []


def test_clicks_on_buttons_and_on_the_map(opened: Browser, served: str) -> None:
    opened.open(served)
    numbers(opened)
    opened.click("button, .bk-btn", "C₋, C₊")
    opened.until(lambda: "map=cooperativities" in opened.address, "the map has other axes")
    opened.click("button, .bk-btn", "given the record")
    opened.until(lambda: "shown=conditional" in opened.address, "the map is given the record")
    opened.click("button, .bk-btn", "Another trajectory")
    opened.until(lambda: "seed=1" in opened.address, "another trajectory")
    before = numbers(opened)
    opened.click(".bk-Figure", at=(-60, 30))
    opened.until(
        lambda: "c-minus=" in opened.address and "c-plus=" in opened.address, "the point is where the click was"
    )
    opened.until(lambda: numbers(opened) != before, "E follows the click")
    assert opened.complaints() == []


def test_a_laboratory_and_its_budget(opened: Browser, served: str) -> None:
    opened.open(served)
    numbers(opened)
    opened.click(".bk-tab", "Laboratory")
    opened.until(lambda: "preset=outlook-2019" in opened.address, "a first example")
    assert "cavity kept" in opened.text("table", "cavity kept")
    assert "plus.cavity.coupling_hz" in opened.text("table", "plus.cavity.coupling_hz")
    opened.click(".bk-btn", "Take these numbers to the sliders")
    opened.until(lambda: "c-minus=13.33" in opened.address, "the numbers are those of the sliders")


def test_a_link_that_cannot_be_read_is_said_on_the_page(opened: Browser, served: str) -> None:
    opened.open(f"{served}?loss=2&initial=%3Cscript%3E")
    assert "initial must be one of" in opened.text("[role=alert]")
    assert "<script>" in opened.text("[role=alert]")
    assert "0.354318" in numbers(opened)


def test_a_telephone_has_one_column_and_nothing_beside_it(opened: Browser, served: str) -> None:
    opened.resize(390, 844)
    try:
        opened.open(served)
        numbers(opened)
        width, lefts = opened.run(
            "return [document.documentElement.scrollWidth,"
            " [...document.querySelectorAll('section')].map(each => each.getBoundingClientRect().left)]"
        )
        assert width <= 390
        assert len(set(lefts)) == 1
        # the answers are above the sliders, and stay there
        opened.run("window.scrollTo(0, 400)")
        assert opened.run("return document.querySelector('section.numbers').getBoundingClientRect().top") == 0
    finally:
        opened.resize(1400, 1000)


def test_nothing_leaves_the_machine(opened: Browser, served: str) -> None:
    opened.open(served)
    numbers(opened)
    asked = [urlsplit(each) for each in opened.requests()]
    of_the_page = [each for each in asked if each.scheme not in ("data", "chrome", "chrome-untrusted", "about", "blob")]
    assert {each.scheme for each in of_the_page} == {"http", "ws"}
    assert {each.netloc for each in of_the_page} == {urlsplit(served).netloc}
