"""What a sampler is."""

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler

from harness.core.digest import canonical_json
from harness.core.seeding import stream_seed
from harness.core.spec import LeafSpec
from harness.search.samplers._replayed_study import ReplayedStudy
from harness.search.samplers._search import PastTrial, Search

__all__ = ["AbstractOptunaSampler", "AbstractSampler", "PastTrial", "Search"]

MOST_REPLAYED = 4
_replayed: dict[str, ReplayedStudy] = {}


class AbstractSampler(LeafSpec):
    """Proposes configurations. A proposal is a function of the search, its number and the trials before it.

    So nothing of a sampler is stored, and 30 trials in one go equal 15 and then 15. A configuration has values of the
    dimensions that exist, in the order of the space. A sampler that looks at no result says so in a field
    `fair: Literal[True] = True`, so that a report can tell; those older than the field are known without it.
    """

    learns: ClassVar[bool] = False
    """Whether a proposal waits for the trials before it."""

    weighs: ClassVar[bool] = True
    """Whether it can be used with several objectives."""

    @abstractmethod
    def point(self, search: Search, number: int, past: Sequence[PastTrial]) -> dict[str, Any]:
        """Return proposal `number`, from 0; `past` are the trials before it in order, empty unless `learns`."""

    def limit(self, search: Search) -> int | None:  # noqa: ARG002
        """Return how many proposals there are, None if there is no end."""
        return None


class AbstractOptunaSampler(AbstractSampler):
    """One of Optuna's samplers, made anew for every proposal from the stream of its number."""

    learns: ClassVar[bool] = True
    keeps_notes: ClassVar[bool] = False
    """Whether Optuna's sampler writes its state beside its trials, which are then replayed by asking for them again."""

    @abstractmethod
    def made(self, seed: int) -> BaseSampler:
        """Return Optuna's sampler."""

    def point(self, search: Search, number: int, past: Sequence[PastTrial]) -> dict[str, Any]:
        """Return what Optuna proposes in a study in memory of the past trials.

        The studies of the latest proposals are kept, so that each past trial is replayed once and not once a proposal;
        what is proposed is the same.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            key = canonical_json([self.to_json(), search.name, search.directions, _plain(search)])
            study = _replayed.pop(key, None)  # taken out while it is used: no two threads share one
            if study is None or not study.leads_to(number, past):
                study = ReplayedStudy(search, lambda n: self.made(_seed(search, n)), self.keeps_notes)
            proposed = study.propose(number, past)
            _replayed[key] = study
            while len(_replayed) > MOST_REPLAYED:
                _replayed.pop(next(iter(_replayed)), None)
            return proposed


def _seed(search: Search, number: int) -> int:
    return stream_seed(0, "sampler", search.name, number) % 2**32


def _plain(search: Search) -> list[Any]:
    return [[name, dimension.to_json()] for name, dimension in search.space.items()]
