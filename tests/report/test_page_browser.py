"""The page in Debian's Chromium: on a phone and on a desk, by day and by night, without a word on the console."""

import json
import shutil

import audit_pages
import numpy as np
import pytest
from report_pages import ENVIRONMENT, SOURCE, batch, chain, diagnosis, history, location, result, table

from nandoctor.findings import Result, Treatment
from nandoctor.report.page import render_page

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCREENS = {"phone": (360, 740), "desk": (1440, 900)}
THEMES = ("light", "dark")

pytestmark = [
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="the page is tested in chromium; chromium and chromedriver are not installed"
    ),
    pytest.mark.xdist_group("browser"),
]

LONG = "a_name_without_any_space_" * 12


def _long():
    """What does not fit: names, lines and code without a space in them."""
    place = location(file=f"/{LONG}/{LONG}.py", function=LONG, layer=LONG, code=LONG)
    found = diagnosis(
        location=place,
        surfaced=location(file=f"/{LONG}.py", line=1, code=LONG),
        title=LONG,
        summary=f"{LONG} `{LONG}`",
        cause=LONG,
        treatments=(Treatment(remedy="r", summary=LONG, kind="edit", code=LONG, diff=f"+{LONG}"),),
    )
    return result(found, script=LONG, capsule=LONG, notes=(LONG,))


def _pages():
    sources = {"/code/train.py": SOURCE, f"/{LONG}/{LONG}.py": f"x = {LONG}\n" * 20}
    wide = {"input[0]": np.zeros((32, 20, 3, 5)), "target[0]": np.arange(32), LONG: table()["input[0]"]}
    healthy = Result(command="run", status="healthy", steps=1200, guard_cost=0.009)
    parts = {
        "pictures": (result(), batch()),
        "table": (result(diagnosis(chain=chain(3))), table()),
        "long": (_long(), wide),
        "validation": (result(diagnosis(phase="validation", chain=(), samples=(), location=None), verdict=None), {}),
        "undiagnosed": (Result(command="run", status="fault", steps=4), None),
        "healthy": (healthy, {}),
    }
    pages = {
        name: render_page(found, history(), arrays, ENVIRONMENT, sources=sources)
        for name, (found, arrays) in parts.items()
    }
    return pages | {f"audit-{name}": page for name, page in audit_pages.pages(LONG).items()}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("pages")
    for name, text in _pages().items():
        (where / f"{name}.html").write_text(text, encoding="utf-8")
    return where


PAGES = (
    "pictures",
    "table",
    "long",
    "validation",
    "undiagnosed",
    "healthy",
    "audit-pictures",
    "audit-table",
    "audit-long",
    "audit-fit",
)


class Opened:
    """A page on a screen in a theme, every fold open, and what the browser said and asked for meanwhile."""

    def __init__(self, browser, address, screen, theme):
        self.screen, self.theme = screen, theme
        width, height = SCREENS[screen]
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": screen == "phone"}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        media = [{"name": "prefers-color-scheme", "value": theme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
        browser.get_log("browser"), browser.get_log("performance")
        browser.get(address)
        self.run = browser.execute_script
        self.verdict_ends = self.run("return document.querySelector('h1').getBoundingClientRect().bottom")
        self.run("document.querySelectorAll('details').forEach(d => d.open = true)")
        self.said = browser.get_log("browser")
        events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
        self.asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


_SHOWN = [
    pytest.param(
        (page, screen, theme),
        id="-".join((page, screen, theme)),
        marks=[] if (number + THEMES.index(theme)) % 2 == 0 else [pytest.mark.clinic],
    )
    for page in PAGES
    for number, screen in enumerate(SCREENS)
    for theme in THEMES
]
"""Each page on both screens and in both themes, but each screen with one theme only outside the clinic."""


@pytest.fixture(scope="module", params=_SHOWN)
def opened(request, browser, folder):
    page, screen, theme = request.param
    return Opened(browser, (folder / f"{page}.html").as_uri(), screen, theme)


def test_it_fits_its_screen(opened):
    width, height = SCREENS[opened.screen]
    shown = opened.run("return document.documentElement.clientWidth")  # less the bar
    assert width - 20 < shown <= width
    assert opened.run("return document.documentElement.scrollWidth") == shown
    over = """
        const edge = document.documentElement.clientWidth + 0.5;
        return [...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll') && !e.closest('.skip') &&
            e.getBoundingClientRect().right > edge).map(e => e.outerHTML.slice(0, 80))
    """
    assert opened.run(over) == []
    assert opened.verdict_ends < height


def test_it_is_silent_and_asks_for_nothing(opened):
    assert opened.said == []
    assert opened.asked[0].startswith("file://")
    assert [url for url in opened.asked[1:] if not url.startswith("data:")] == []
    assert opened.run("return document.styleSheets.length") == 1


CONTRAST = """
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgba = text => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data]; };
    const light = c => { const [r, g, b] = c.slice(0, 3).map(v => v / 255).map(
        v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const behind = e => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor);
        if (c[3] === 255) return c; if (c[3]) throw 'a background that shines through'; } return [255, 255, 255]; };
    const low = [], seen = [];
    for (const e of document.querySelectorAll('body *')) {
        const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        if (!own || !e.getClientRects().length) continue;
        const style = getComputedStyle(e), colour = rgba(e.closest('svg') ? style.fill : style.color);
        const [a, b] = [light(colour), light(behind(e))].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
        seen.push(ratio);
        if (ratio < 4.5) low.push([ratio, e.tagName, e.className, e.textContent.slice(0, 40)]);
    }
    return [seen.length, low, light(behind(document.body))]
"""


def test_every_word_can_be_read(opened):
    count, low, paper = opened.run(CONTRAST)
    assert count > 8
    assert low == []
    assert (paper > 0.5) is (opened.theme == "light")


def test_it_has_names_for_those_who_do_not_see_it(opened):
    unnamed = """
        return [...document.querySelectorAll('img:not([alt]), section:not([aria-label]):not([aria-labelledby]), ' +
            'th:not([scope]), [role=img]:not([aria-label]), table:not(:has(caption)), html:not([lang])')]
            .concat([...document.querySelectorAll('[aria-labelledby]')]
                .filter(e => !document.getElementById(e.getAttribute('aria-labelledby'))))
            .map(e => e.outerHTML.slice(0, 80))
    """
    assert opened.run(unnamed) == []
    assert opened.run("return document.querySelectorAll('main, h1').length") == 2


def test_what_is_wider_than_the_screen_can_be_scrolled_by_keyboard(opened):
    hidden = """
        return [...document.querySelectorAll('body *')].filter(e => e.scrollWidth > e.clientWidth + 1 &&
            getComputedStyle(e).overflowX !== 'visible' && e.tabIndex !== 0).map(e => e.outerHTML.slice(0, 80))
    """
    assert opened.run(hidden) == []
