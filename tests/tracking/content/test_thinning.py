import pytest

from harness.core.history import History, Series
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.content.entry import run_entry
from harness.tracking.content.thinning import MOST_POINTS, Thinning

CONFIG = {"steps": 100, "training": {"evaluate_every": 10}}


def trained(steps: int, every: int) -> History:
    """A run that is measured at every step, and evaluated now and then."""
    history = History()
    for step in range(1, steps + 1):
        history.record(step, {"train/loss/total": 1 / step, "train/lr/group_0": 0.1, "train/epoch": step / 9})
        if step % every == 0:
            history.record(step, {"val/loss/total": 2 / step})
    return history


def shown(history: History, config: dict[str, object] = CONFIG) -> dict[str, Series]:
    return Thinning(config).shown({name: history[name] for name in history})


def test_of_training_what_was_measured_at_evaluations_is_shown() -> None:
    found = shown(trained(100, 10))

    assert found["train/loss/total"].steps == found["val/loss/total"].steps == list(range(10, 101, 10))
    assert found["train/loss/total"].values[0] == 1 / 10


def test_what_was_measured_between_two_evaluations_alone_is_shown_whole() -> None:
    history = trained(100, 10)
    for step in range(51, 57):
        history.record(step, {"train/grad_norm/group_1": 0.1 * step})

    assert shown(history)["train/grad_norm/group_1"].steps == [51, 52, 53, 54, 55, 56]


def test_what_led_to_an_end_after_the_last_evaluation_is_shown() -> None:
    assert shown(trained(27, 10))["train/loss/total"].steps == [10, 20, *range(21, 28)]


def test_a_learning_rate_is_shown_where_it_changes_and_an_epoch_nowhere() -> None:
    history = trained(50, 10)
    for step in range(51, 101):
        history.record(step, {"train/lr/group_0": 0.01})
        if step % 10 == 0:
            history.record(step, {"val/loss/total": 0.0})

    found = shown(history)

    assert found["train/lr/group_0"] == Series([10, 60], [0.1, 0.01])
    assert "train/epoch" not in found


@pytest.mark.parametrize("every", [1, 7, 300])
def test_no_curve_has_many_more_points_than_500(every: int) -> None:
    steps = 20_000
    found = shown(trained(steps, every), {"steps": steps, "training": {"evaluate_every": every}})

    for name in ("train/loss/total", "val/loss/total"):
        assert 0.6 * min(MOST_POINTS, steps / every) <= len(found[name].steps) <= MOST_POINTS + 2
        assert found[name].steps[-1] >= steps - 2 * max(every, steps / MOST_POINTS)


def test_of_two_names_of_one_number_one_is_shown_until_they_differ() -> None:
    history = History()
    numbers = {"loss/a": 0.5, "loss_weighted/a": 0.5, "accuracy/late": 0.7, "accuracy_by_arrival/1": 0.7}
    history.record(10, {f"val/{name}": value for name, value in numbers.items()})
    thinning = Thinning(CONFIG)

    first = thinning.shown({name: history[name] for name in history})
    later = thinning.shown({"val/loss/a": Series([20], [0.4]), "val/loss_weighted/a": Series([20], [0.2])})
    last = thinning.shown({"val/loss/a": Series([30], [0.4]), "val/loss_weighted/a": Series([30], [0.4])})

    assert set(first) == {"val/loss/a", "val/accuracy/late"}
    assert set(later) == set(last) == {"val/loss/a", "val/loss_weighted/a"}


@pytest.mark.parametrize("config", [{}, {"steps": None}, {"training": None}, {"steps": 0, "training": {}}])
def test_a_configuration_that_says_nothing_thins_by_evaluations_alone(config: dict[str, object]) -> None:
    assert shown(trained(100, 10), config)["train/loss/total"].steps == list(range(10, 101, 10))


def test_part_by_part_the_same_is_shown_as_of_the_whole() -> None:
    history, thinning, reported = trained(100, 10), Thinning(CONFIG), dict[str, int]()
    parts, grown = dict[str, list[int]](), History()
    for step in range(1, 101):
        for name in history:
            if step in history[name].steps:
                grown.record(step, {name: history[name].at(step)})
        if step % 10 == 0:
            part = grown.since(reported)
            for name, series in thinning.shown({name: part[name] for name in part}).items():
                parts.setdefault(name, []).extend(series.steps)

    assert parts == {name: series.steps for name, series in shown(history).items()}


def test_an_entry_with_every_point_shows_also_what_a_thinned_one_does(
    study: StudyRecord, run: RunRecord, history: History
) -> None:
    thinned, whole = (run_entry(study, run, history, points) for points in ("thinned", "all"))

    assert thinned.measured == whole.measured == whole.metrics
    assert len(thinned.metrics["train/loss/total"].steps) == 4
    assert thinned.metrics["val/accuracy/all"] == history["val/accuracy/all"]
    assert (whole.mark in thinned.marks, thinned.mark in whole.marks) == (True, False)
