"""What a network answers that has grown and was never trained: what learning something before is compared with."""

from harness.data import TaskData
from harness.growth import GrowthEvent
from harness.staging.network import build_network, probe_for
from harness.staging.run import RunConfig
from harness.training.evaluation import forward_split
from harness.training.metrics import accuracies_by_arrival
from harness.training.output_specs import output_specs
from harness.training.state import fresh_state

__all__ = ["UNTRAINED", "untrained_accuracy"]

UNTRAINED = "growth/untrained_accuracy"


def untrained_accuracy(config: RunConfig, data: TaskData, lineage: tuple[GrowthEvent, ...]) -> dict[str, float]:
    """Return the accuracy on validation examples of the classes that the last growth of `lineage` brought.

    It is that of the network with which the run began, grown in the same way, with the same new values, and not trained
    (Lopez-Paz and Ranzato 2017, arXiv 1706.08840). Empty where the growth brought no classes, or none with an example.
    """
    training = config.training
    state = fresh_state(build_network(config, data), training.optimizer, seed=config.seed, precision=config.precision)
    for event in lineage:
        state.step = event.step
        state.grow(event.change, probe=probe_for(event.change, data))
    specs = output_specs(state.model, state.lineage, state.effects, data)
    came = (specs.label_map.arrival_of(data.validation.labels) == len(lineage)).nonzero().squeeze(1)
    if not len(came):
        return {}
    answered = forward_split(state, data.validation.part(came), specs)
    accuracies = accuracies_by_arrival(answered.outputs, answered.labels, specs.label_map)
    return {UNTRAINED: float(accuracies["accuracy_by_arrival/mean"])}
