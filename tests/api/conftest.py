"""A study that Python code makes, and that runs within a second."""

import pytest

from harness.growth import NoFreezing, OldParameters
from harness.search.space import Int
from harness.search.study import Study
from harness.staging.run import RunConfig


@pytest.fixture
def study(digits_run: RunConfig) -> Study:
    """One configuration and one seed: a head grows, and the trunk is frozen or not."""
    return Study(
        name="tiny",
        title="A tiny study",
        question="Should the trunk stay frozen?",
        base=digits_run,
        space={"when": Int(field="growths.0.trigger.step", low=20, high=30, step=10)},
        arms={"frozen": {"growths.0.freeze": OldParameters()}, "unfrozen": {"growths.0.freeze": NoFreezing()}},
        comparison=("unfrozen", "frozen"),
        trials=1,
        seeds=1,
    )
