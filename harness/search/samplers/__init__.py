"""Who proposes configurations."""

from harness.search.samplers._base import AbstractOptunaSampler, AbstractSampler, PastTrial, Search
from harness.search.samplers.cma_es import CMAES
from harness.search.samplers.gp import GP
from harness.search.samplers.grid import Grid
from harness.search.samplers.latin_hypercube import LatinHypercube
from harness.search.samplers.nsga_ii import NSGAII
from harness.search.samplers.quasi_random import QuasiRandom
from harness.search.samplers.random import Random
from harness.search.samplers.tpe import TPE

Told = PastTrial  # the name that study files of harness 0.1 import

__all__ = [
    "CMAES",
    "GP",
    "NSGAII",
    "TPE",
    "AbstractOptunaSampler",
    "AbstractSampler",
    "Grid",
    "LatinHypercube",
    "PastTrial",
    "QuasiRandom",
    "Random",
    "Search",
]
