import pytest

from harness.core.errors import SpecError
from harness.growth.triggers import Progress


def test_an_unknown_metric_is_answered_with_those_there_are() -> None:
    progress = Progress(4, 4, 0, {"val/loss/total": 1.0, "val/accuracy/all": 0.5}, evaluated=True)

    with pytest.raises(
        SpecError, match=r"found 'val/loss/all' at step 4\..*There are: val/accuracy/all, val/loss/total"
    ):
        progress.metric("val/loss/all")


def test_the_last_growth_was_as_long_ago_as_the_age_says() -> None:
    assert Progress(30, 10, 0, {}, evaluated=False).grown_at == 20
    assert Progress(30, 30, 0, {}, evaluated=False).grown_at == 0


def test_no_signals_have_come_unless_they_are_given() -> None:
    assert Progress(1, 1, 0, {}, evaluated=False).signals == frozenset()
