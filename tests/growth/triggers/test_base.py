import pytest
from pydantic import JsonValue

from harness.core.errors import SpecError
from harness.growth.triggers import AbstractTrigger, Progress


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


class OnTheHundred(AbstractTrigger):
    kind: str = "on_the_hundred"

    def begin(self) -> JsonValue:
        return None

    def observe(self, memory: JsonValue, progress: Progress) -> tuple[JsonValue, bool]:
        return memory, progress.step % 100 == 0

    def foreseen(self, step: int) -> int:
        return step - step % 100 + 100


def test_a_trigger_written_when_the_next_step_was_called_foreseen_still_says_it() -> None:
    assert OnTheHundred().next_firing_step(120) == 200
