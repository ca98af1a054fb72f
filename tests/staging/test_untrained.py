import pytest
import torch

from harness.core.seeding import generator
from harness.core.spec import with_changes
from harness.growth import AtStep, GrowthEvent, GrowthRule, NoFreezing, Unchanged
from harness.growth.probe import Probe
from harness.staging.network import build_network
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.untrained import UNTRAINED, untrained_accuracy

RECORDED = {"training.record_untrained": True}


def test_it_is_the_accuracy_of_the_first_network_with_the_new_rows_of_the_run(digits_run: RunConfig) -> None:
    data, change = digits_run.task.load(None), digits_run.growths[0].change
    model, came = build_network(digits_run, data).eval(), data.validation.labels >= 6
    stream = generator(digits_run.seed, "growth", 1)
    change.operation.apply(model, probe=Probe(data.train.inputs[:2]), generator=stream)
    with torch.no_grad():
        outputs = model.eval()(data.validation.inputs[came])
    answers = torch.cat([outputs["known"], outputs["late"]], dim=1).argmax(dim=1)

    found = untrained_accuracy(digits_run, data, (GrowthEvent(step=20, change=change),))

    assert found == {UNTRAINED: pytest.approx((answers == data.validation.labels[came]).double().mean().item())}


def test_runs_that_record_it_measure_it_at_each_arrival_and_share_what_comes_before(
    digits_run: RunConfig, runner: Runner
) -> None:
    still = GrowthRule(trigger=AtStep(step=30), operation=Unchanged(), freeze=NoFreezing())
    run = digits_run.model_copy(update={"growths": (*digits_run.growths, still)})

    plain = runner.run(run)
    steps = runner.steps_trained
    recorded = runner.run(with_changes(run, RECORDED))

    assert UNTRAINED not in plain.history
    assert recorded.history[UNTRAINED].steps == [20]
    assert 0 <= recorded.history[UNTRAINED].values[0] <= 1
    assert (steps, runner.steps_trained) == (40, 60)
    assert recorded.history.without("growth/untrained") == plain.history
