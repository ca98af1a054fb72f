"""A stage of a run before and after it is trained or restored."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.core.history import History
from harness.growth import GrowthRule
from harness.staging.ledger import StageAddress
from harness.staging.store import StageMetrics
from harness.training.state import TrainState

__all__ = ["PendingStage", "StageEnd"]


@dataclass(frozen=True)
class PendingStage:
    """A stage that a run passes through next.

    Attributes:
        key: of the stage.
        parent: the key of the stage before, or an empty string.
        start: the step at which it begins.
        rules: those that have not fired yet.
        begin: makes the state at `start`, and the history of the stage up to there.
    """

    key: str
    parent: str
    start: int
    rules: tuple[GrowthRule, ...]
    begin: Callable[[], tuple[TrainState, History]]


@dataclass(frozen=True)
class StageEnd:
    """The end of a stage.

    Attributes:
        address: of the stage in the store, where it may still be on its way to.
        seconds: training time since the stage began.
        metrics: everything measured in the stage.
        rule: the rule that fired here; None at the end of the run.
        state: returns the training state, from the store unless this process has trained it.
    """

    address: StageAddress
    seconds: float
    metrics: StageMetrics
    rule: GrowthRule | None
    state: Callable[[], TrainState]
