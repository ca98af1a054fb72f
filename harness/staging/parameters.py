"""How many parameters the network of a run has at its end, and how many of them are trained there."""

from collections.abc import Sequence

from torch import nn

from harness.data import TaskData
from harness.growth import GrowthEvent
from harness.growth.freeze import candidates
from harness.growth.identities import Identities
from harness.growth.lineage import replay
from harness.staging.network import build_network, probe_for
from harness.staging.run import RunConfig
from harness.training.state import TrainState

__all__ = ["count_parameters"]


def count_parameters(
    config: RunConfig, data: TaskData, lineage: Sequence[GrowthEvent], live: TrainState | None
) -> dict[str, float]:
    """Return `growth/parameters` and `growth/parameters_trainable` at the end of a run.

    The first counts frozen parameters too, but neither those that were born untrainable nor a teacher's.

    Args:
        config: of the run.
        data: of its task.
        lineage: all its growths.
        live: its state at the end, if it was trained here; otherwise the network's shape is built again.
    """
    model, identities = (live.model, live.identities) if live else _rebuilt(config, data, lineage)
    owned = {name: tensor for name, tensor in identities.parameters().items() if identities[name].trainable}
    frozen = _frozen(model, identities, lineage, config.steps)
    return {
        "growth/parameters": float(sum(tensor.numel() for tensor in owned.values())),
        "growth/parameters_trainable": float(sum(owned[name].numel() for name in owned.keys() - frozen)),
    }


def _rebuilt(config: RunConfig, data: TaskData, lineage: Sequence[GrowthEvent]) -> tuple[nn.Module, Identities]:
    model = build_network(config, data)
    identities, _, _ = replay(model, tuple(lineage), probe=lambda change: probe_for(change, data))
    return model, identities


def _frozen(model: nn.Module, identities: Identities, lineage: Sequence[GrowthEvent], step: int) -> frozenset[str]:
    if not lineage:
        return frozenset()
    age = step - lineage[-1].step
    return lineage[-1].change.freeze.frozen(candidates(model, identities), growth=len(lineage), age=age)
