"""What Optuna calls the values of trials: without names, each is an `Objective 0` to its dashboard and plots."""

import warnings
from collections.abc import Sequence

import optuna
from optuna.exceptions import ExperimentalWarning

__all__ = ["name_objectives"]


def name_objectives(study: optuna.Study, names: Sequence[str]) -> None:
    """Give the values of trials their names, unless they have them."""
    if study.metric_names != list(names):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            study.set_metric_names(list(names))
