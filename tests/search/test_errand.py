from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import InterruptedRunError
from harness.search.errand import IDLE, Errand, Heartbeat, Pulse, Workplace, do_errands
from harness.search.planned import PlannedRun
from harness.search.study import Study
from harness.staging.ledger import Ledger

RunsOf = Callable[[Study, Sequence[Mapping[str, Any]], int], list[PlannedRun]]

POINTS = [{"when": 10, "init": "orthogonal"}]


def place_in(home: Path) -> Workplace:
    Ledger(home).create()
    return Workplace(None, home, None, home / "store", None, alone=False, features=True, live=True)


def errand_of(runs: Sequence[PlannedRun]) -> Errand:
    return Errand([run.to_json() for run in runs], {})


def test_a_run_is_starting_until_it_reports(runs_of: RunsOf, study: Study) -> None:
    cells = list(IDLE)
    heartbeat = Heartbeat(cells)
    heartbeat.sent(runs_of(study, POINTS, 1))

    heartbeat.beat()
    heartbeat.run_begins("trial 0 · unfrozen · seed 0", 40)
    began = Pulse(*cells)
    heartbeat.evaluated(0, {})

    assert began == Pulse(1, 2, 2)
    assert began.starting
    assert not Pulse(*cells).starting


def test_two_attempts_at_the_same_run_have_different_pulses(runs_of: RunsOf, study: Study) -> None:
    cells, seen = list(IDLE), []
    heartbeat = Heartbeat(cells)
    heartbeat.sent(runs_of(study, POINTS, 1))

    for _ in range(3):
        heartbeat.run_begins("trial 0 · frozen · seed 0", 40)
        seen.append(Pulse(*cells))

    assert len(set(seen)) == 3


def test_one_errand_is_done_after_the_other(runs_of: RunsOf, study: Study, tmp_path: Path) -> None:
    runs = runs_of(study, POINTS, 1)
    errands, cells, waits = [errand_of(runs[:1]), errand_of(runs[1:])], list(IDLE), list[Pulse]()

    def arrived() -> Errand | None:
        waits.append(Pulse(*cells))
        return errands.pop(0) if errands and len(waits) > 2 else None

    do_errands(place_in(tmp_path), arrived, cells, lambda: len(waits) > 6)

    assert [pulse.ready for pulse in waits] == [1, 1, 1, 2, 3, 3, 3]
    assert {pulse.run for pulse in waits} == {-1}
    assert len(Ledger(tmp_path).runs(study.name)) == 2
    assert waits[-1].beats > 40 + 30  # at every step; the second run shares the first ten


def test_an_errand_ends_when_asked_to(runs_of: RunsOf, study: Study, tmp_path: Path) -> None:
    errand, cells = errand_of(runs_of(study, POINTS, 1)), list(IDLE)

    with pytest.raises(InterruptedRunError):
        do_errands(place_in(tmp_path), lambda: errand, cells, lambda: Pulse(*cells).beats > 20)

    assert Ledger(tmp_path).runs(study.name) == []
