"""Training loops of many runs together: those that are alike make their steps as one."""

import logging
import time
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.training.packing.mapped_network import map_networks
from harness.training.packing.network import pack_networks
from harness.training.packing.proof import Proof, prove
from harness.training.packing.recorder import PackRecorder
from harness.training.packing.signature import heads_of, losses_agree
from harness.training.packing.step import PackedStep
from harness.training.step import WATCHED_STEPS

if TYPE_CHECKING:
    from harness.training.loop import StageLoop

__all__ = ["Packs"]

log = logging.getLogger(__name__)

LARGEST = 24  # runs in a pack; more save no more, since their values leave the processor's cache
ENOUGH = 4  # runs, of which a pack that does not pay shows that none does
LEAST_SAVED = 0.2  # of the time of single steps; recording and proofs take a part of it
TRIES = 2  # that do not pay, before none is made any more: what else the machine does disturbs one measurement
BUDGET_BYTES = 2 * 10**9  # of what runs hold that have begun


class Packs:
    """Trains loops, in packs where a pack is proved to change no bit and measured to save time.

    Args:
        largest: number of loops in a pack.
    """

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._alone: set[Hashable] = set()  # signatures of loops that no pack trains
        self._too_few: dict[Hashable, int] = {}  # by signature, the largest number of loops that did not pay
        self._tries = Counter[Hashable]()  # by signature, how often enough of them did not
        self._proved: set[Hashable] = set()

    def has_room(self, loops: Sequence["StageLoop"]) -> bool:
        """Return whether another run may begin beside those of `loops`: whether it may be packed with them.

        Until a pack is proved, no more begin than it takes to make one.
        """
        signatures = [self._signature(loop) for loop in loops]
        if None in signatures or sum(map(_held_bytes, loops)) > BUDGET_BYTES:
            return False
        return all(signature in self._proved or signatures.count(signature) < 2 for signature in signatures)

    def choose(self, loops: Sequence["StageLoop"]) -> list["StageLoop"]:
        """Return those of `loops` that are trained next: alike, and at most `largest`.

        They are of the stages that began first, so that later stages find more of their kind.
        """
        first = min(loops, key=lambda loop: loop.state.step - loop.state.age)
        signature = self._signature(first)
        if signature is None:
            return [first]
        alike = _sorted_by_heads([loop for loop in loops if self._signature(loop) == signature])
        packs = -(-len(alike) // self._largest)
        return alike[: -(-len(alike) // packs)]

    def train(self, loops: Sequence["StageLoop"]) -> None:
        """Train `loops`, which `choose` has returned, until at least one of them has ended.

        An error of one loop is kept in it and ends it; the others go on.
        """
        if len(loops) > 1 and len(loops) > self._too_few.get(self._signature(loops[0]), 0):
            began = time.monotonic()
            self._train_together(list(loops))
            for loop in loops:
                loop.seconds += (time.monotonic() - began) / len(loops)
        if not any(loop.ended for loop in loops):
            loops[0].attempt(loops[0].finish)

    def _signature(self, loop: "StageLoop") -> Hashable | None:
        return None if loop.signature in self._alone or self._largest == 1 else loop.signature

    def _train_together(self, loops: list["StageLoop"]) -> None:
        """Train until a loop has ended, or until they are to be trained otherwise."""
        for loop in loops:  # once alone: optimizers then have memories, and the contract of the losses is checked
            if not loop.stepped:
                loop.attempt(loop.advance)
        recorder, packed = PackRecorder(loops), None
        while not any(loop.ended for loop in loops):
            if apart := [loop for loop in loops if _steps_apart(loop, loops)]:
                recorder.flush()
                if any(loop.thaws for loop in apart):
                    packed = None  # other parts will learn
                for loop in apart:
                    loop.attempt(loop.advance)
                if any(loop.signature != loops[0].signature for loop in loops):
                    break
                continue
            packed = packed or self._packed(loops)
            if packed is None:
                break
            for loop in loops:
                loop.attempt(loop.recorder.flush)  # what it kept while it was trained alone
            try:
                _make_steps(loops, packed, recorder)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # whose it is shows when each makes the step alone
                log.debug("a step of %d failed: %r", len(loops), error)
                recorder.flush()
                for loop in loops:
                    loop.attempt(loop.advance)
                if not any(loop.ended for loop in loops):
                    self._alone.add(loops[0].signature)
                    break
                continue
            _follow_up(loops, packed, recorder)
        recorder.flush()
        for loop in loops:
            loop.attempt(loop.recorder.flush)

    def _packed(self, loops: list["StageLoop"]) -> PackedStep | None:
        """Return the packed step of loops, proved; None if they are not trained together."""
        signature = loops[0].signature
        if any(loop.signature != signature for loop in loops):
            return None
        feeds = [loop.feed for loop in loops]
        taps = loops[0].needs.taps
        network = (None if taps else pack_networks(feeds)) or map_networks(feeds, taps)
        proof = None
        for together in (True, False) if losses_agree(loops) else (False,):
            if network is None or (proof and proof.holds):
                break
            packed = PackedStep(loops, network, together=together)
            proof = _proof(loops, packed)
        if proof is None or not proof.holds:
            if proof is None or proof.is_finite:
                self._alone.add(signature)
            return None
        self._proved.add(signature)
        if proof.saved > LEAST_SAVED:
            return packed
        self._remember_not_to_pay(signature, len(loops))
        return None

    def _remember_not_to_pay(self, signature: Hashable, count: int) -> None:
        if count < ENOUGH:
            self._too_few[signature] = max(count, self._too_few.get(signature, 0))
            return
        self._tries[signature] += 1
        if self._tries[signature] == TRIES:
            self._alone.add(signature)


def _proof(loops: list["StageLoop"], packed: PackedStep) -> Proof | None:
    try:
        proof = prove(loops, packed)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # what does not work together works alone, or fails there
        log.debug("no pack of %d: %r", len(loops), error)
        return None
    log.debug("a pack of %d: the same bits: %s, saved: %.2f", len(loops), proof.holds, proof.saved)
    return proof


def _make_steps(loops: Sequence["StageLoop"], packed: PackedStep, recorder: PackRecorder) -> None:
    """Make steps up to the next one after which a loop has something else to do."""
    for _ in range(min(_steps_together(loop) for loop in loops)):
        recorder.add(packed())
        if loops[0].is_paused:
            break


def _follow_up(loops: Sequence["StageLoop"], packed: PackedStep, recorder: PackRecorder) -> None:
    results: Sequence[Mapping[str, float] | None] = [None] * len(loops)
    if any(loop.is_due for loop in loops):
        recorder.flush()
        if all(loop.is_due and loop.error is None for loop in loops):
            results = packed.evaluation() or results
    for loop, own in zip(loops, results, strict=True):
        loop.attempt(loop.follow_up, own)


def _sorted_by_heads(loops: Sequence["StageLoop"]) -> list["StageLoop"]:
    """Return loops in an order in which those follow each other whose heads agree."""
    kinds: dict[Hashable, list[StageLoop]] = {}
    for loop in loops:
        kinds.setdefault(heads_of(loop.state.model), []).append(loop)
    return [loop for alike in kinds.values() for loop in alike]


def _held_bytes(loop: "StageLoop") -> int:
    """Return the bytes of a run's state, and of features that were computed for it."""
    state = 4 * sum(parameter.numel() * parameter.element_size() for parameter in loop.state.model.parameters())
    splits = (loop.feed.data.train, loop.feed.data.validation)
    return state + sum(values.numel() * values.element_size() for split in splits for values in split.features.values())


def _steps_apart(loop: "StageLoop", loops: Sequence["StageLoop"]) -> bool:
    """Return whether the next step of a loop measures or changes what the others' do not."""
    every = loop.config.record_gradients_every
    if loop.thaws or (every and (loop.state.step + 1) % every == 0):
        return True
    return _is_watched(loop) and not all(map(_is_watched, loops))


def _steps_together(loop: "StageLoop") -> int:
    """Return how many steps of a loop may be made together with those of others, one after the other."""
    every = loop.config.record_gradients_every
    steps = min(loop.quiet_steps, loop.steps_to_thaw)
    if _is_watched(loop):
        steps = min(steps, WATCHED_STEPS - loop.state.age)
    return min(steps, every - 1 - loop.state.step % every) if every else steps


def _is_watched(loop: "StageLoop") -> bool:
    return bool(loop.state.lineage) and loop.state.age < WATCHED_STEPS
