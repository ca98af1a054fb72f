import json
import math
from typing import Any

import pytest

from harness.core.errors import SpecError
from harness.growth.triggers import Plateau, Progress

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("settings", "values", "fired"),
    [
        ({"patience": 2}, [5, 4, 3, 3, 3, 3, 2, 2], [5, 6]),
        ({"patience": 2, "mode": "max"}, [1, 2, 2, 1, 3, 3, 3], [4, 7]),
        ({"patience": 1, "min_delta": 0.5}, [5, 4.6, 4.4, 4.0, 3.8], [2, 4]),
        ({"patience": 1, "min_delta": 0.5}, [5, 4.5], [2]),
        ({"patience": 2}, [NAN, NAN, 1, NAN, NAN], [2, 5]),
        ({"patience": 1}, [3, NAN, 2, NAN, 1], [2, 4]),
        ({"patience": 1, "mode": "max"}, [1, INF, 2, -INF], [2, 4]),
        ({"patience": 1}, [INF, 3, -INF, 2], [1, 3]),
        ({"patience": 3}, [3, 3, 3], []),
    ],
)
def test_it_fires_when_patience_is_at_its_end(
    firings: Any, evaluations: Any, settings: dict[str, Any], values: list[float], fired: list[int]
) -> None:
    assert firings(Plateau(metric="loss", **settings), evaluations(values)) == fired


def test_nan_is_never_kept_as_the_best(evaluations: Any) -> None:
    trigger, memory = Plateau(metric="loss"), Plateau().begin()
    for progress in evaluations([NAN, 2.0, NAN, INF, -INF]):
        memory, _ = trigger.observe(memory, progress)
        json.dumps(memory, allow_nan=False)

    assert isinstance(memory, dict)
    assert memory["best"] == 2.0


def test_after_a_growth_it_begins_anew_and_rests_first(firings: Any, evaluations: Any) -> None:
    way = evaluations([1, 1, 9, 8, 8, 8, 8], grown_at=2)

    assert firings(Plateau(metric="loss", patience=2), way) == [6, 7]
    assert firings(Plateau(metric="loss", patience=2, cooldown=3), way) == []
    assert firings(Plateau(metric="loss", patience=1, cooldown=3), way) == [2, 7]


def test_a_watch_that_begins_after_a_growth_rests_too(firings: Any, evaluations: Any) -> None:
    way = evaluations([1, 1, 9, 8, 8, 8, 8], grown_at=2)[2:]

    assert firings(Plateau(metric="loss", patience=1, cooldown=3), way) == [7]


def test_patience_counts_evaluations_and_not_steps(firings: Any) -> None:
    way = [Progress(step, step, 0, {"loss": 1.0}, evaluated=step % 10 == 0) for step in range(1, 51)]

    assert firings(Plateau(metric="loss", patience=2), way) == [30, 40, 50]


def test_an_unknown_metric_is_refused_also_while_it_rests(firings: Any, evaluations: Any) -> None:
    with pytest.raises(SpecError, match=r"found 'val/loss/total' at step 3.*There are: loss"):
        firings(Plateau(cooldown=2), evaluations([1, 1, 1], grown_at=2)[2:])
