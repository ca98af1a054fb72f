"""What a freeze policy is."""

from abc import abstractmethod
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.core.errors import SpecError
from harness.core.spec import LeafSpec, did_you_mean

__all__ = ["AbstractFreezePolicy", "Candidate", "FrozenNorm", "cut", "none_within"]

FrozenNorm = Literal["eval", "track", "train"]


@dataclass(frozen=True)
class Candidate:
    """A parameter or buffer that may be frozen.

    Attributes:
        id: its stable id.
        name: its current name in the network: a path in the backbone, or `heads.<name>...` for a head.
        birth: growths that came before it.
    """

    id: str
    name: str
    birth: int

    def within(self, path: str) -> bool:
        """Return whether the module at `path` holds it."""
        return self.name.startswith(f"{path}.")


class AbstractFreezePolicy(LeafSpec):
    """Decides what stays unchanged to the bit after a growth, until the next growth brings its own policy.

    It never freezes what the growth added.

    Attributes:
        frozen_norm: what layers with running statistics, such as batch norm, do in frozen parts.
            `eval`: they normalize with the running statistics, which do not change: train and eval mode compute the
            same.
            `track`: they mix each batch into the running statistics, and then normalize with these. Train mode computes
            what eval mode would compute right after it; the function drifts with the data.
            `train`: they normalize with each batch's own statistics and mix these into the running ones. Train and eval
            mode compute different functions.
            Weights of such layers are frozen in all three, running statistics only in the first.
    """

    frozen_norm: FrozenNorm = "eval"

    @abstractmethod
    def frozen(self, candidates: tuple[Candidate, ...], *, growth: int, age: int) -> frozenset[str]:
        """Return the ids of what is frozen.

        Args:
            candidates: every parameter and buffer, in the order of the network's modules.
            growth: the number of the growth whose policy this is; what it added has this birth. The first is 1.
            age: optimizer updates since that growth.

        Raises:
            SpecError: the policy names a module that the network does not have.
        """

    def lr_factors(
        self,
        candidates: tuple[Candidate, ...],  # noqa: ARG002
        *,
        growth: int,  # noqa: ARG002
        age: int,  # noqa: ARG002
    ) -> Mapping[str, float]:
        """Return the factors of parameters' learning rates by id; parameters that are not named have the factor 1.

        Parameters with the factor 0 are frozen, and `frozen` returns them. By default none is named.
        """
        return {}

    @property
    def freezes_old_parameters(self) -> bool:
        """Whether all that existed before the growth stands still until the next one, in any network; not by default.

        What is recorded of such a growth can be checked without building the network.
        """
        return False

    def changes(self) -> tuple[int, ...]:
        """Return the ages, above 0, at which `frozen` or `lr_factors` changes its answer; none by default."""
        return ()


def cut(candidates: tuple[Candidate, ...], layers: tuple[str, ...]) -> dict[str, int]:
    """Cut a network into parts, each of which ends with one of `layers`; return the number of the part by id.

    Parameters between two layers belong to the later one. Those after the last layer are a part of their own.

    Raises:
        SpecError: a layer holds nothing, or the layers are not in the order of the network's modules.
    """
    ends = [_end_of(candidates, layer) for layer in layers]
    if ends != sorted(set(ends)):
        raise SpecError(f"expected layers in the order of the network's modules, found {', '.join(layers)}; sort them")
    return {candidate.id: bisect_left(ends, index) for index, candidate in enumerate(candidates)}


def _end_of(candidates: tuple[Candidate, ...], layer: str) -> int:
    indices = [index for index, candidate in enumerate(candidates) if candidate.within(layer)]
    if not indices:
        raise none_within(layer, candidates)
    return indices[-1]


def none_within(path: str, candidates: tuple[Candidate, ...]) -> SpecError:
    """Return the error for a path at which nothing can be frozen; it names the modules that hold something."""
    parts = [candidate.name.split(".") for candidate in candidates]
    paths = dict.fromkeys(".".join(part[:length]) for part in parts for length in range(1, len(part)))
    return SpecError(
        f"expected a module that holds parameters or buffers, found {path!r}; name the last one before it that does."
        f"{did_you_mean(path, paths)}"
    )
