from pathlib import Path

from harness.benchmarks import late_digits, plain_study
from harness.search.load import load_study


def test_the_study_is_one_that_can_be_launched() -> None:
    loaded = load_study(Path(late_digits.__file__))

    assert (loaded.trials, loaded.seeds, loaded.base.steps) == (12, plain_study.SEEDS, plain_study.STEPS)
