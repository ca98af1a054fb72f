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
        name: its name in the network now, as people say it: that of the backbone, or `heads.<name>...` for a head.
        birth: growths that came before it.
    """

    id: str
    name: str
    birth: int

    def within(self, path: str) -> bool:
        """Return whether the module at `path` holds it."""
        return self.name.startswith(f"{path}.")


class AbstractFreezePolicy(LeafSpec):
    """Says what stays bit for bit unchanged after a growth, until the next one's policy takes over.

    What the growth added is never frozen.

    Attributes:
        frozen_norm: what layers with running statistics, such as batch norm, do in frozen parts.
            `eval`: they normalize with the running statistics, which stand still: train and eval mode are one function.
            `track`: they mix each batch into the running statistics, and then normalize with these: what train mode
            computes is what eval mode would compute right after it; the function drifts with the data.
            `train`: they normalize with each batch's own statistics and mix these into the running ones: train and eval
            mode are two functions.
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
            SpecError: the policy names a place that the network has not.
        """

    def lr_factors(
        self,
        candidates: tuple[Candidate, ...],  # noqa: ARG002
        *,
        growth: int,  # noqa: ARG002
        age: int,  # noqa: ARG002
    ) -> Mapping[str, float]:
        """Return what the learning rates of parameters are multiplied with, by id; 1 for those that are not named.

        What has the factor 0 is frozen, and `frozen` says so. None is named, unless overridden.
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

    What lies between two layers belongs to the later one. What comes after the last is a part of its own.

    Raises:
        SpecError: a layer holds nothing, or the layers are not in the order of the network's modules.
    """
    ends = [_end_of(candidates, layer) for layer in layers]
    if ends != sorted(set(ends)):
        raise SpecError(f"expected layers in the order of the network's modules, found {', '.join(layers)}; sort them")
    return {candidate.id: bisect_left(ends, index) for index, candidate in enumerate(candidates)}


def _end_of(candidates: tuple[Candidate, ...], layer: str) -> int:
    found = [index for index, candidate in enumerate(candidates) if candidate.within(layer)]
    if not found:
        raise none_within(layer, candidates)
    return found[-1]


def none_within(path: str, candidates: tuple[Candidate, ...]) -> SpecError:
    """Return the error for a path at which nothing can be frozen; it names the modules that hold something."""
    parts = [candidate.name.split(".") for candidate in candidates]
    paths = dict.fromkeys(".".join(part[:length]) for part in parts for length in range(1, len(part)))
    return SpecError(
        f"expected a module that holds parameters or buffers, found {path!r}; name the last one before it that does."
        f"{did_you_mean(path, paths)}"
    )
