"""What a run is trained with but does not depend on: where its stages lie, who listens, when to stop."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.core.history import History
from harness.staging.leases import Leases
from harness.staging.stage_writer import StageWriter
from harness.staging.store import Store
from harness.training.features import FeatureCache
from harness.training.loop import OnEvaluation, Pause, Signals

__all__ = ["OnHistory", "RunContext"]

OnHistory = Callable[[History], None]


@dataclass(frozen=True)
class RunContext:
    """The parts of a process that train a run; none of them changes a number of it.

    Attributes:
        writer: commits stages to the store that they are restored from.
        leases: by which one process at a time trains a stage.
        forks: by stage key, the steps at which other runs leave the stage, where snapshots are stored for them.
        on_evaluation: called after each evaluation.
        on_history: called with each measured value once, as soon as it is known.
        signals: returns the signals that have arrived.
        stop: asked after each step whether to stop there.
        snapshot_every_s: seconds of training between snapshots inside a long stage, or more where that would cost more
            than 3 % of the time; 0 for one after every step.
        features: where features of a frozen lower part are kept, or None to compute them at every step.
        test: whether the network is evaluated on test data where a stage ends.
    """

    writer: StageWriter
    leases: Leases
    forks: Mapping[str, frozenset[int]]
    on_evaluation: OnEvaluation
    on_history: OnHistory
    signals: Signals
    stop: Pause
    snapshot_every_s: float
    features: FeatureCache | None
    test: bool

    @property
    def store(self) -> Store:
        """Where stages are restored from and committed to."""
        return self.writer.store
