"""Who proposes configurations."""

from harness.search.samplers._base import AbstractOptunaSampler, AbstractSampler, Search, Told
from harness.search.samplers.cma_es import CMAES
from harness.search.samplers.gp import GP
from harness.search.samplers.grid import Grid
from harness.search.samplers.nsga_ii import NSGAII
from harness.search.samplers.quasi_random import QuasiRandom
from harness.search.samplers.random import Random
from harness.search.samplers.tpe import TPE

__all__ = [
    "CMAES",
    "GP",
    "NSGAII",
    "TPE",
    "AbstractOptunaSampler",
    "AbstractSampler",
    "Grid",
    "QuasiRandom",
    "Random",
    "Search",
    "Told",
]
