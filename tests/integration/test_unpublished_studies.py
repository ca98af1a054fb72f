"""The studies that have no report yet: what they would run, without any data."""

from pathlib import Path

import pytest

from harness.search.load import load_study
from harness.search.preview import preview_runs
from harness.search.study import Study
from harness.staging.plan import make_plan

ROOT = Path(__file__).parents[2]
# The runs and the stages that they share.
UNPUBLISHED = {
    "split-mnist-scenarios": (55, 250),
}


@pytest.fixture(params=UNPUBLISHED)
def study(request: pytest.FixtureRequest) -> Study:
    return load_study(ROOT / "studies" / request.param / "study.py")


def test_it_plans_its_runs_and_shares_what_they_have_in_common(study: Study) -> None:
    runs = preview_runs(study, None, None, None)

    plan = make_plan([run.config for run in runs], None)

    assert (len(runs), len(plan.stages)) == UNPUBLISHED[study.name]
    assert plan.distinct_steps < plan.steps


def test_it_survives_json_and_its_page_states_a_prediction(study: Study) -> None:
    page = (ROOT / "studies" / study.name / "README.md").read_text()

    assert Study.model_validate(study.to_json()).to_json() == study.to_json()
    assert "**Prediction.** Written before the study was run at any size." in page
    assert all(f"`{arm}`" in page for arm in study.arms)
