"""Training loops of many runs together: those that are alike make their steps as one."""

import logging
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from harness.core.errors import HarnessError
from harness.core.history import Series
from harness.training.packing.network import pack_networks
from harness.training.packing.proof import prove
from harness.training.packing.signature import losses_agree
from harness.training.packing.step import PackedStep
from harness.training.recorder import series_of
from harness.training.step import WATCHED_STEPS

if TYPE_CHECKING:
    from harness.training.loop import StageLoop

__all__ = ["LARGEST", "Packs"]

log = logging.getLogger(__name__)

LARGEST = 24  # runs in a pack; more save no more, since their values leave the processor's cache


class Packs:
    """Trains loops, in packs where a pack is proved to change no bit and measured to save time.

    Args:
        largest: number of loops in a pack.
    """

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._alone: set[Hashable] = set()
        self._worth: dict[tuple[Hashable, int], bool] = {}

    def advance(self, loops: Sequence["StageLoop"]) -> None:
        """Train some of `loops`, none of which has ended, until at least one of them has.

        An error of one loop is kept in it and ends it; the others go on.
        """
        first = min(loops, key=lambda loop: loop.state.step - loop.state.age)
        pack = [loop for loop in loops if self._agree(loop, first)]
        pack = pack[: -(-len(pack) // -(-len(pack) // self._largest))]
        if len(pack) > 1:
            self._train_together(pack)
        if not any(loop.ended for loop in pack):
            _train_alone(pack[0])

    def _agree(self, one: "StageLoop", other: "StageLoop") -> bool:
        if one is other:
            return True
        signature = one.signature
        return signature is not None and signature == other.signature and signature not in self._alone

    def _train_together(self, loops: list["StageLoop"]) -> None:
        """Train until a loop has ended, or something shows that they are to be trained alone."""
        signature = loops[0].signature
        for loop in loops:  # their optimizers then have memories, and their contracts are checked
            if not loop.stepped:
                _attempt(loop)
        if any(loop.ended for loop in loops) or any(loop.signature != signature for loop in loops):
            return
        packed = self._packed(loops)
        if packed is None:
            return
        recorder = _PackRecorder(loops)
        while not any(loop.ended for loop in loops):
            apart = [loop for loop in loops if _steps_alone(loop, loops)]
            if apart:
                recorder.flush()
                for loop in apart:
                    _attempt(loop)
                if any(loop.signature != signature for loop in loops):
                    break
                continue
            recorder.add(packed())
            if any(loop.is_due for loop in loops):
                recorder.flush()
            for loop in loops:
                if loop.error is None:
                    _attempt(loop, followed=True)
        recorder.flush()

    def _packed(self, loops: list["StageLoop"]) -> PackedStep | None:
        """Return the packed step of loops, proved; None if they are to be trained alone."""
        signature = loops[0].signature
        network = pack_networks([loop.feed for loop in loops])
        if network is None:
            self._alone.add(signature)
            return None
        for together in (True, False) if losses_agree(loops) else (False,):
            packed = PackedStep(loops, network, together=together)
            try:
                proof = prove(loops, packed)
            except (RuntimeError, NotImplementedError, HarnessError) as error:
                log.debug("a pack of %d cannot be made: %s", len(loops), error)
                continue
            log.debug("a pack of %d: the same bits: %s, saved: %.2f", len(loops), proof.holds, proof.saved)
            if proof.holds and proof.saved > 0:
                return packed
        self._alone.add(signature)
        return None


def _steps_alone(loop: "StageLoop", loops: Sequence["StageLoop"]) -> bool:
    """Return whether the next step of a loop measures or changes what the others' do not."""
    every = loop.config.record_gradients_every
    if loop.thaws or (every and (loop.state.step + 1) % every == 0):
        return True
    return _is_watched(loop) and not all(map(_is_watched, loops))


def _is_watched(loop: "StageLoop") -> bool:
    return bool(loop.state.lineage) and loop.state.age < WATCHED_STEPS


def _train_alone(loop: "StageLoop") -> None:
    try:
        loop.finish()
    except Exception as error:  # of a study's own code, which may raise anything
        loop.fail(error)


def _attempt(loop: "StageLoop", *, followed: bool = False) -> None:
    try:
        if followed:
            loop.follow_up()
        else:
            loop.advance()
            loop.recorder.flush()
    except Exception as error:
        loop.fail(error)


class _PackRecorder:
    """Keeps the measurements of packed steps and writes them into the history of each loop."""

    def __init__(self, loops: Sequence["StageLoop"]) -> None:
        self._loops = loops
        self._kept: list[tuple[list[int], Mapping[str, Tensor]]] = []
        self._settings: list[list[dict[str, float]]] = [[] for _ in loops]

    def add(self, measured: Mapping[str, Tensor]) -> None:
        """Keep what a step of all loops measured, `[K]` by name."""
        steps = [loop.state.step for loop in self._loops]
        self._kept.append((steps, measured))
        for loop, kept in zip(self._loops, self._settings, strict=True):
            kept.append(loop.settings())

    def flush(self) -> None:
        """Write what was kept."""
        if not self._kept:
            return
        values: dict[str, list[Tensor]] = {}
        places: dict[str, list[int]] = {}
        for place, (_, measured) in enumerate(self._kept):
            for name, value in measured.items():
                values.setdefault(name, []).append(value)
                places.setdefault(name, []).append(place)
        columns = {name: torch.stack(rows).double().T.tolist() for name, rows in values.items()}
        for row, loop in enumerate(self._loops):
            steps = [at[row] for at, _ in self._kept]
            measured = {name: Series([steps[place] for place in places[name]], columns[name][row]) for name in columns}
            try:
                loop.recorder.write(series_of(steps, self._settings[row]), measured)
            except HarnessError as error:
                loop.fail(error)
        self._kept, self._settings = [], [[] for _ in self._loops]
