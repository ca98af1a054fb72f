import json
import math
import shutil
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from harness.core.errors import StudyNotFoundError
from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.mlflow.client import MlflowClient
from harness.tracking.mlflow.pages import compare_page, curves_page, fetch, means_page, runs_page
from harness.tracking.mlflow.tracker import MlflowTracker
from harness.tracking.ui_server import UiServer

MakeRun = Callable[..., RunRecord]
CHROMIUM = shutil.which("chromium")
CURVES = "[...document.querySelectorAll('.js-plotly-plot')].flatMap(plot => plot.data)"
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


@pytest.fixture
def shown(tracker: MlflowTracker, study: StudyRecord, make_run: MakeRun) -> StudyRecord:
    """A study in MLflow with a frozen and an unfrozen run of its first trial, which learn at different rates."""
    study = replace(study, trials=1, seeds=1)
    tracker.begin_study(study)
    for arm, rate in (("frozen", 0.05), ("unfrozen", 0.2)):
        history = History()
        for step in range(1, 41):
            history.record(step, {"train/loss/total": math.exp(-rate * step)})
        config = {"task": {"kind": "digits"}, "freeze": {"kind": "all" if arm == "frozen" else "nothing"}}
        tracker.project_run(make_run(trial=0, seed=0, arm=arm, config=config, run_id=arm), history)
    return study


def test_the_links_lead_to_the_experiment_of_the_study(server: UiServer, shown: StudyRecord) -> None:
    for page in (runs_page, curves_page, means_page):
        link = page(server.url, shown.name)
        experiment = link.removeprefix(f"{server.url}/#/experiments/").partition("/")[0]
        answer = fetch(f"{server.url}/ajax-api/2.0/mlflow/experiments/get?experiment_id={experiment}")
        assert json.loads(answer)["experiment"]["name"] == shown.name


def test_two_runs_are_compared_that_differ_in_their_arm(
    server: UiServer, shown: StudyRecord, client: MlflowClient
) -> None:
    link = compare_page(server.url, shown.name)

    assert link is not None
    runs = json.loads(urllib.parse.parse_qs(link.partition("?")[2])["runs"][0])
    assert [client.get_run(run).data.tags["arm"] for run in runs] == ["unfrozen", "frozen"]


def test_without_a_run_of_each_arm_nothing_is_compared(
    server: UiServer, tracker: MlflowTracker, study: StudyRecord, run: RunRecord
) -> None:
    tracker.begin_study(study)
    tracker.project_run(run, History())

    assert compare_page(server.url, study.name) is None


@pytest.mark.parametrize("page", [runs_page, curves_page, means_page, compare_page])
def test_a_study_that_was_not_projected_has_no_page(server: UiServer, page: Callable[[str, str], object]) -> None:
    with pytest.raises(StudyNotFoundError, match="MLflow shows no study 'nothing'"):
        page(server.url, "nothing")


@pytest.fixture
def page() -> Iterator[Any]:
    """A page of a real browser."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1600, "height": 2400})
        page.set_default_timeout(60_000)
        yield page
        browser.close()


@pytest.mark.browser
@needs_browser
def test_the_table_has_the_runs_in_order_and_the_columns_that_matter(
    server: UiServer, shown: StudyRecord, page: Any
) -> None:
    page.goto(runs_page(server.url, shown.name))

    page.get_by_text("trial 0 · unfrozen · seed 0").wait_for()
    text = page.inner_text("body")
    assert text.index("trial 0 · frozen · seed 0") < text.index("trial 0 · unfrozen · seed 0")
    for column in ("final/accuracy_all", "final/seconds", "arm"):
        assert column in text
    assert "0.875" in text


@pytest.mark.campaign
@pytest.mark.browser
@needs_browser
def test_comparing_shows_the_params_that_differ_and_both_curves(
    server: UiServer, shown: StudyRecord, page: Any
) -> None:
    page.goto(compare_page(server.url, shown.name))
    page.get_by_text("Comparing 2 Runs from 1 Experiment").wait_for()
    page.get_by_role("switch").first.click()
    page.get_by_text("freeze.kind", exact=True).last.wait_for()
    params = page.inner_text("body").partition("Show diff only")[2].partition("Metrics")[0]

    page.get_by_role("link", name="train/loss/total").click()
    page.wait_for_function(f"{CURVES}.length >= 2")
    curves = page.evaluate(f"{CURVES}.map(curve => ({{name: curve.name, steps: curve.x, values: curve.y}}))")

    assert params.split() == ["arm", "unfrozen", "frozen", "freeze.kind", "nothing", "all"]
    assert {curve["name"] for curve in curves} == {"trial 0 · frozen · seed 0", "trial 0 · unfrozen · seed 0"}
    for curve in curves:
        rate = 0.2 if "unfrozen" in curve["name"] else 0.05
        assert curve["steps"] == [*range(1, 41)]
        assert curve["values"] == pytest.approx([math.exp(-rate * step) for step in range(1, 41)])


@pytest.mark.campaign
@pytest.mark.browser
@needs_browser
def test_the_curves_of_the_arms_are_in_one_chart(server: UiServer, shown: StudyRecord, page: Any) -> None:
    page.goto(curves_page(server.url, shown.name))

    page.locator(".js-plotly-plot").nth(1).wait_for()
    text = page.inner_text("body")

    assert "2 matching runs" in text
    assert "train/loss" in text


LONGEST_GAP_MS = """() => new Promise(done => {
    let last = performance.now(), longest = 0, frames = 0;
    const next = () => {
        const now = performance.now();
        [longest, last, frames] = [Math.max(longest, now - last), now, frames + 1];
        frames < 120 ? requestAnimationFrame(next) : done(longest);
    };
    requestAnimationFrame(next);
})"""


@pytest.mark.campaign
@pytest.mark.browser
@needs_browser
def test_a_study_of_two_hundred_runs_opens_without_freezing(
    server: UiServer, tracker: MlflowTracker, client: MlflowClient, study: StudyRecord, make_run: MakeRun, page: Any
) -> None:
    study, history = replace(study, trials=50, seeds=2), History()
    for step in range(1, 101):
        history.record(step, {f"train/loss/{name}": 1 / step for name in ("total", "known", "late")})
        history.record(step, {"train/grad_norm": 1 / step, "val/accuracy/all": step / 100})
    tracker.begin_study(study)
    for number in range(200):
        trial, arm, seed = number // 4, ("frozen", "unfrozen")[number % 2], number % 4 // 2
        tracker.project_run(make_run(trial=trial, arm=arm, seed=seed, run_id=str(number)), history)

    began = time.monotonic()
    page.goto(runs_page(server.url, study.name))
    page.get_by_text("trial 00 · unfrozen · seed 1").wait_for()
    table_s, gap_ms = time.monotonic() - began, page.evaluate(LONGEST_GAP_MS)
    page.goto(curves_page(server.url, study.name).replace("=pair", "=runs"))
    page.locator(".js-plotly-plot").nth(1).wait_for()
    charts_gap_ms = page.evaluate(LONGEST_GAP_MS)

    assert (table_s < 30, gap_ms < 500, charts_gap_ms < 2000) == (True, True, True), (table_s, gap_ms, charts_gap_ms)
    runs = client.search_runs([client.get_experiment_by_name(study.name).experiment_id])  # type: ignore[union-attr]
    assert len(runs) == 201
    assert len({key for run in runs for key in run.data.metrics}) < 12  # each is a chart and a column
