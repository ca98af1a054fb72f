"""What a launch reports to whoever watches it."""

from collections.abc import Mapping, Sequence

from harness.staging.ledger import RunRecord

__all__ = ["Observer"]


class Observer:
    """Watches a launch; every method may be overridden, none has to be.

    What is restored from the store, since another run has trained it, is told of as well.
    """

    def on_launch(self, total: int, done: int) -> None:
        """The launch begins: there are `total` runs in the study, of which `done` have ended already."""

    def on_run_begin(self, name: str, steps: int) -> None:
        """The run `name` of `steps` steps begins, or goes on after it was put aside for others."""

    def on_training(self, names: Sequence[str]) -> None:
        """The runs `names`, which have begun, are trained next, together."""

    def on_evaluation(self, name: str, step: int, metrics: Mapping[str, float]) -> None:
        """The run `name` was evaluated at `step`."""

    def on_growth(self, name: str, step: int, metrics: Mapping[str, float]) -> None:
        """The run `name` grew after `step` updates; `metrics` has what that did, such as `growth/parameters_added`."""

    def on_run_end(self, record: RunRecord) -> None:
        """The run has ended."""
