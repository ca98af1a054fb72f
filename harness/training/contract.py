"""The contract of a stage's loss components; an error names the component that breaks it, and the step."""

from collections.abc import Mapping

from torch import Tensor

from harness.core.errors import ContractError
from harness.core.history import History
from harness.losses import Batch
from harness.training.state import TrainState

__all__ = ["Contract"]

PREFIX = "train/loss/"


class Contract:
    """Loss components are scalars, have gradients where nothing is frozen, and are the same ones at every step.

    Only names and shapes are checked, which are known without waiting for a device.

    Args:
        history: the metrics recorded so far.
        start: the step at which the stage began; components recorded since then must continue.
    """

    def __init__(self, history: History, start: int = 0) -> None:
        recorded = [name for name in history if name.startswith(PREFIX) and history[name].steps[-1] > start]
        names = {name.removeprefix(PREFIX) for name in recorded} - {"total"}
        self._expected: set[str] | None = names or None
        self._checked = False

    def check(self, components: Mapping[str, Tensor], batch: Batch, state: TrainState) -> None:
        """Check the components of the step that begins.

        Raises:
            ContractError: one is no scalar, has no gradient though nothing is frozen, is new or is missing; or a head
                has another number of columns than it has classes.
        """
        now = state.step + 1
        if not self._checked:
            self._checked = True
            _check_columns(batch, now)
            _check_gradients(components, state, now)
        if self._expected is None:
            self._expected = set(components)
        if components.keys() != self._expected:
            odd = min(components.keys() ^ self._expected)
            what = "appeared" if odd in components else "vanished"
            raise ContractError(
                f"expected the same loss components from one growth to the next, found that {odd!r} {what} at step "
                f"{now}; return it at every step, as a zero if need be"
            )


def _check_gradients(components: Mapping[str, Tensor], state: TrainState, now: int) -> None:
    for name, value in components.items():
        if not state.frozen and not value.requires_grad:
            raise ContractError(
                f"expected a gradient for the loss component {name!r} at step {now}, found none; is it detached?"
            )


def _check_columns(batch: Batch, now: int) -> None:
    label_map = batch.specs.label_map
    expected = dict(zip(label_map.heads, label_map.sizes, strict=True))
    for name, size in expected.items():
        shape = tuple(batch.outputs[name].shape)
        if shape[1:] != (size,):
            raise ContractError(
                f"expected {size} columns of the head {name!r} at step {now}, one a class, found {shape}; see "
                "task.classes, and reveals of the growths"
            )
