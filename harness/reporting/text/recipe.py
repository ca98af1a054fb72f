"""How runs were trained, where that is not what a reader takes for granted: what is evaluated, and what ended them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import count

__all__ = ["may_stop_early", "said_of_recipe"]

STEPS = "cost/steps"
RECIPES = '"early_stopping"|"average"|"nearest_mean"'


def said_of_recipe(data: StudyData) -> list[str]:
    """Say which runs were evaluated in a way of their own, and which early stopping ended."""
    completed = list(_completed(data))
    averaged = sum(_shows_average(config) for config, _ in completed)
    by_means = sum(bool((config.get("training") or {}).get("nearest_mean")) for config, _ in completed)
    stopping = [(config, steps) for config, steps in completed if config.get("early_stopping")]
    said = (_of_average(averaged, len(completed)), _of_means(by_means, len(completed)), _of_stopping(stopping))
    return [sentence for sentence in said if sentence]


def may_stop_early(data: StudyData) -> bool:
    """Return whether early stopping may end a run before all its steps are made."""
    return any(config.get("early_stopping") for config, _ in _completed(data))


def _completed(data: StudyData) -> Iterator[tuple[Mapping[str, Any], float]]:
    """Yield configuration and number of updates of each run that completed; nothing if no run has such a recipe."""
    names = ("config", STEPS)
    runs = data.runs[data.runs["status"] == "completed"]
    if any(name not in runs for name in names) or not runs["config"].str.contains(RECIPES).any():
        return
    for config, steps in runs[list(names)].itertuples(index=False):
        yield json.loads(config), steps


def _shows_average(config: Mapping[str, Any]) -> bool:
    training = config.get("training") or {}
    return bool(training.get("average")) and training.get("evaluate_average", True)


def _of_average(averaged: int, completed: int) -> str:
    if not averaged:
        return ""
    which = _which(averaged, completed)
    return f"{which} evaluated with a moving average of their weights, not with those that the last update left."


def _of_means(by_means: int, completed: int) -> str:
    if not by_means:
        return ""
    return f"{_which(by_means, completed)} evaluated by the nearest means of remembered examples, not by their heads."


def _which(some: int, completed: int) -> str:
    return "Runs were" if some == completed else f"Of {count(completed, 'run')}, {some:,} were"


def _of_stopping(stopping: list[tuple[Mapping[str, Any], float]]) -> str:
    if not stopping:
        return ""
    ended = [steps for config, steps in stopping if steps < config["steps"]]
    if not ended:
        return f"Early stopping ended none of {count(len(stopping), 'run')}."
    most = max(config["steps"] for config, _ in stopping)
    return (
        f"Early stopping ended {len(ended):,} of {count(len(stopping), 'run')}, as planned, after {min(ended):,.0f} to "
        f"{max(ended):,.0f} of at most {most:,} updates."
    )
