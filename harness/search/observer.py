"""What a launch tells whoever watches it."""

from collections.abc import Mapping

from harness.staging.ledger import RunRecord

__all__ = ["Observer"]


class Observer:
    """Watches a launch; every method may be overridden, none has to be."""

    def planned(self, total: int, done: int) -> None:
        """There are `total` runs in the study, of which `done` have ended already."""

    def run_begins(self, name: str, steps: int) -> None:
        """The run `name` of `steps` steps begins."""

    def evaluated(self, step: int, metrics: Mapping[str, float]) -> None:
        """The run was evaluated at `step`."""

    def run_ended(self, record: RunRecord) -> None:
        """The run has ended."""
