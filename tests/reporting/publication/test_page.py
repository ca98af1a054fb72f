"""A report in a real browser: what the page needs, and whether it fits."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.reporting.data.environment import environment
from harness.reporting.data.study_data import StudyData
from harness.reporting.importance import permutation
from harness.reporting.publication.publishing import publish
from harness.reporting.publication.source_files import written_data
from harness.reporting.report import report_files
from harness.reporting.sections import SECTIONS
from tests.reporting.conftest import RICH

CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]
DRAWN = """() => [...document.querySelectorAll('figure svg')].every(figure => {
    const [box, drawn] = [figure.getBoundingClientRect(), figure.getBBox()];
    return box.width > 200 && box.height > 50 && drawn.width > 0.99 * figure.viewBox.baseVal.width;
})"""
UNFOLD = "document.querySelectorAll('details').forEach(fold => { fold.open = true; })"
WORDS = """() => [...document.querySelectorAll('figure use')].filter(use => use.href.baseVal.startsWith('#w'))
    .map(word => word.getBBox()).filter(box => box.width > 0 && box.height > 0).length"""
# What may be wider than the page scrolls by itself, within the page.
WIDTHS = "[document.documentElement.scrollWidth, window.innerWidth]"
COVERED = """() => [...document.querySelectorAll('h2')].filter(head => {
    const box = head.getBoundingClientRect();
    return box.width === 0 || box.right > window.innerWidth;
}).map(head => head.innerText)"""


@pytest.fixture(scope="module")
def report(study_data: Callable[..., StudyData], made_once: Callable[..., Path]) -> Path:
    """The page of a report on a study that recorded all there is to record, beside its figures; to be read only."""

    def write(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(permutation, "RESAMPLES", 2)
            patch.setattr(permutation, "SHUFFLES", 20)
            publish(folder, report_files(written_data(study_data(**RICH), environment())))

    return made_once("rich", write) / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_the_page_fits_any_screen_and_asks_for_nothing(browser: Any, report: Path, width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))

    page.goto(report.as_uri())
    page.evaluate(UNFOLD)

    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]
    assert page.evaluate(DRAWN)
    assert page.evaluate(WORDS) == report.read_text().count('href="#w')
    needed, given = page.evaluate(WIDTHS)
    assert needed <= given
    assert page.evaluate(COVERED) == []
    page.close()


def test_the_first_screen_holds_verdict_numbers_and_plot(browser: Any, report: Path) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(report.as_uri())

    for seen in (".question", ".answer", ".others", ".glance table", ".glance svg"):
        box = page.locator(seen).bounding_box()
        assert (box["y"] >= 0, box["y"] + box["height"] <= 768) == (True, True), seen
    assert page.locator(".glance .strong").count() == 2
    page.close()


@pytest.mark.parametrize("name", ["runs.html", "checklists.html"])
def test_pages_beside_the_report_fit_a_phone_and_lead_back(browser: Any, report: Path, name: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto((report.parent / name).as_uri())

    needed, given = page.evaluate(WIDTHS)
    page.locator("header a").click()

    assert needed <= given
    assert page.url == report.as_uri()
    page.close()


def test_the_contents_lead_to_every_section(browser: Any, report: Path) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.goto(report.as_uri())

    for number, spec in enumerate(SECTIONS, start=1):
        if spec.page != "report":
            page.goto(report.as_uri())
        page.locator(f"nav a[href$='#{spec.anchor}']").click()
        head = page.locator(f"#{spec.anchor} h2")
        assert head.inner_text() == f"{number} {spec.title}"
        assert page.evaluate("location.hash") == f"#{spec.anchor}"
    page.close()


def test_everything_recorded_is_on_the_page_with_words_for_those_who_cannot_see_it(browser: Any, report: Path) -> None:
    page = browser.new_page()
    page.goto(report.as_uri())

    figures = {path.stem for path in (report.parent / "figures").glob("*.png")}

    assert page.locator("figure").count() == len(figures) > 18
    assert page.locator("figure svg[role=img]").count() == len(figures)
    assert page.evaluate("[...document.querySelectorAll('figure svg')].every(svg => svg.ariaLabel.length > 20)")
    assert page.locator("figure").count() == page.locator("figcaption").count()
    page.close()


def test_it_prints(browser: Any, report: Path, tmp_path: Path) -> None:
    page = browser.new_page()
    page.goto(report.as_uri())

    page.pdf(path=tmp_path / "report.pdf", format="A4")

    assert (tmp_path / "report.pdf").stat().st_size > 100_000
    page.close()
