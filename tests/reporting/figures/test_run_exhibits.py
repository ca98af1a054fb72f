from collections.abc import Callable
from pathlib import Path

import pytest

from harness.reporting.data.collect import collect
from harness.reporting.figures.run_exhibits import course_exhibit
from harness.staging.ledger import Ledger

MakeHome = Callable[..., Path]


def test_every_planned_run_has_its_line_however_it_ended(make_home: MakeHome) -> None:
    home = make_home(trials=3, seeds=2, failed=((0, "frozen", 0),), missing=((2, "unfrozen", 1),))

    exhibit = course_exhibit(collect(home, "freeze-or-not"))

    assert exhibit is not None
    assert exhibit.alt.startswith("12 runs: 10 completed, 1 failed and 1 not ended")
    rows = exhibit.data.set_index(["trial", "arm", "seed"])
    assert tuple(rows.loc[(2, "unfrozen", 1), ["ended", "last"]]) == ("not ended", 0)
    assert rows.loc[(0, "frozen", 0), "ended"] == "failed"
    assert rows.loc[(1, "frozen", 0), "last"] == 600


def test_growths_are_marked_where_they_happened(make_home: MakeHome) -> None:
    home = make_home(trials=4, seeds=1, growth_metrics=True)

    data = collect(home, "freeze-or-not")
    exhibit = course_exhibit(data)

    assert exhibit is not None
    steps = exhibit.data.set_index(["trial", "arm", "seed"])["growth"]
    known = data.runs.set_index(["trial", "arm", "seed"])["growth_step"]
    assert steps.to_dict() == known.to_dict()


def test_of_very_many_configurations_some_are_drawn_evenly(make_home: MakeHome) -> None:
    exhibit = course_exhibit(collect(make_home(trials=40, seeds=4), "freeze-or-not"))

    assert exhibit is not None
    assert "15 of 40 configurations" in exhibit.caption
    assert exhibit.data["trial"].nunique() == 15


def test_before_any_run_has_ended_there_is_nothing_to_draw(make_home: MakeHome) -> None:
    assert course_exhibit(collect(make_home(trials=2, seeds=0), "freeze-or-not")) is None


@pytest.mark.parametrize("trials", [1, 2])
def test_runs_beside_the_plan_are_drawn_too(make_home: MakeHome, trials: int) -> None:
    home = make_home(trials=3, seeds=1)
    ledger = Ledger(home)
    (study,) = ledger.studies()
    ledger.save_study(type(study)(study.name, study.spec, trials, 1))

    exhibit = course_exhibit(collect(home, "freeze-or-not"))

    assert exhibit is not None
    assert exhibit.data["trial"].nunique() == 3
