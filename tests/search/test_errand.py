from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import InterruptedRunError
from harness.search.errand import IDLE, Errand, Heartbeat, Pulse, do_errand
from harness.search.planned import PlannedRun
from harness.search.study import Study
from harness.staging.ledger import Ledger

RunsOf = Callable[[Study, Sequence[Mapping[str, Any]], int], list[PlannedRun]]

POINTS = [{"when": 10, "init": "orthogonal"}]


def errand_of(runs_of: RunsOf, study: Study, home: Path) -> Errand:
    Ledger(home).create()
    runs = [run.to_json() for run in runs_of(study, POINTS, 1)]
    return Errand(runs, {}, None, home, None, home / "store", None, alone=False, features=True, live=True)


def test_a_run_is_starting_until_it_reports(runs_of: RunsOf, study: Study) -> None:
    cells = list(IDLE)
    heartbeat = Heartbeat(cells, runs_of(study, POINTS, 1))

    heartbeat.beat()
    heartbeat.run_begins("trial 0 · unfrozen · seed 0", 40)
    began = Pulse(*cells)
    heartbeat.evaluated(0, {})

    assert began == Pulse(1, 2, 2)
    assert began.starting
    assert not Pulse(*cells).starting


def test_two_attempts_at_the_same_run_have_different_pulses(runs_of: RunsOf, study: Study) -> None:
    cells, seen = list(IDLE), []
    heartbeat = Heartbeat(cells, runs_of(study, POINTS, 1))

    for _ in range(3):
        heartbeat.run_begins("trial 0 · frozen · seed 0", 40)
        seen.append(Pulse(*cells))

    assert len(set(seen)) == 3


def test_an_errand_beats_at_every_step(runs_of: RunsOf, study: Study, tmp_path: Path) -> None:
    cells = list(IDLE)

    do_errand(errand_of(runs_of, study, tmp_path), cells, lambda: False)

    assert len(Ledger(tmp_path).runs(study.name)) == 2
    assert cells[0] == 1
    assert cells[2] > 40 + 30  # the second run shares the first ten steps


def test_an_errand_ends_when_asked_to(runs_of: RunsOf, study: Study, tmp_path: Path) -> None:
    with pytest.raises(InterruptedRunError):
        do_errand(errand_of(runs_of, study, tmp_path), list(IDLE), lambda: True)
