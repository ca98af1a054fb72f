from harness.core.history import History
from harness.staging.counts import Counts
from harness.staging.ledger import StageAddress
from harness.staging.results import FinishedStage, result_of
from harness.staging.store import StageMetrics

COUNTS = Counts(parameters=100, trainable=40, flops=(3000, 500))


def stage(key: str, step: int, seconds: float, ending: dict[str, float], begun: dict[str, float]) -> FinishedStage:
    history, end = History(), History()
    history.record(step - 10, begun)
    end.record(step, ending)
    return FinishedStage(StageAddress(key, step), StageMetrics(history, end), seconds)


def evaluations(known: float, everything: float) -> dict[str, float]:
    names = {"accuracy/known": known, "accuracy/all": everything}
    return {f"{split}/{name}": value for split in ("val", "test") for name, value in names.items()}


FIRST = stage("a", 10, 1.5, evaluations(0.75, 0.5), {"train/skipped_steps": 1.0})
SECOND = stage("b", 20, 2.0, evaluations(0.5, 0.625), {"growth/parameters_added": 7.0})


def test_a_run_ends_in_its_last_evaluation() -> None:
    metrics = result_of([FIRST, SECOND], first_head="known", counts=COUNTS).metrics

    assert metrics["test/accuracy/all"] == 0.625
    assert (metrics["cost/steps"], metrics["cost/seconds"], metrics["cost/skipped_steps"]) == (20, 3.5, 1)


def test_forgetting_is_what_the_known_classes_lost_since_the_growth() -> None:
    metrics = result_of([FIRST, SECOND], first_head="known", counts=COUNTS).metrics

    found = [metrics[f"test/{name}"] for name in ("known_before_growth", "known_after_growth", "forgetting")]
    assert found == [0.75, 0.5, 0.25]


def test_growths_say_when_and_how_much() -> None:
    result = result_of([FIRST, SECOND], first_head="known", counts=COUNTS)

    assert result.growths == ({"step": 10, "parameters_added": 7, "flops_before": 3000},)
    assert result.metrics["growth/parameters_added"] == 7


def test_what_was_counted_is_part_of_the_results() -> None:
    metrics = result_of([FIRST, SECOND], first_head="known", counts=COUNTS).metrics

    names = ("growth/parameters", "growth/parameters_trainable", "cost/flops")
    assert [metrics[name] for name in names] == [100, 40, 3500]


def test_a_run_without_growth_forgets_nothing_it_could_name() -> None:
    result = result_of([FIRST], first_head="known", counts=COUNTS)

    assert result.growths == ()
    assert "test/forgetting" not in result.metrics
    assert result.metrics["growth/parameters_added"] == 0


def test_classes_that_a_head_got_later_are_not_counted_as_known() -> None:
    later = evaluations(0.4, 0.4) | {"val/accuracy_by_arrival/0": 0.7, "test/accuracy_by_arrival/0": 0.65}
    second = stage("b", 20, 2.0, later, {"growth/parameters_added": 0.0})

    metrics = result_of([FIRST, second], first_head="known", counts=COUNTS).metrics

    assert metrics["test/known_after_growth"] == 0.65
    assert metrics["test/forgetting"] == 0.75 - 0.65


def test_a_network_that_classifies_nothing_forgets_nothing_it_could_name() -> None:
    errors = {"val/rmse/load": 1.0, "test/rmse/load": 2.0}
    stages = [stage(key, step, 1.0, errors, {"growth/parameters_added": 0.0}) for key, step in (("a", 10), ("b", 20))]

    metrics = result_of(stages, first_head="load", counts=COUNTS).metrics

    assert metrics["test/rmse/load"] == 2.0
    assert not any("known" in name or "forgetting" in name for name in metrics)
