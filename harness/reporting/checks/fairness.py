"""Badges of the comparison: do the two runs of a pair differ in nothing but their arm?"""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from harness.reporting.analysis.pairing import Account, Comparison
from harness.reporting.checks.badge import Badge, every, not_checked, passed_unless
from harness.reporting.data.wording import count, listed, number

__all__ = ["equal_budget", "same_order", "same_start"]

STEPS, TOLERANCE = "cost/steps", 0.05
# What decides which examples a run sees at which step, besides growths that bring classes.
ORDER = ("seed", "task", "training.batch_size", "training.augment", "training.replay", "training.memory")
STOPPING = ("steps", "early_stopping")
ARRIVAL = ("trigger", "operation", "reveals")


def same_start(account: Account) -> Badge:
    """Check that both arms went on from the same stored state at the growth."""
    name, checked = "same start", account.forks_checked
    if not checked:
        return not_checked(name, "In no compared pair did both runs grow out of a stored state.")
    apart = checked - account.forks_shared
    return passed_unless(
        name,
        apart,
        passed=f"Both runs of {every(checked, 'pair')} that grew went on from the same stored state.",
        failed=f"In {apart:,} of {count(checked, 'pair')} that grew, the runs went on from different stored states.",
    )


def same_order(runs: pd.DataFrame, comparison: Comparison) -> Badge:
    """Check that both arms have all that the order of the data follows from."""
    name = "same data order"
    pairs = _configs(runs, comparison)
    if not pairs:
        return not_checked(name, "There is no compared pair.")
    differ = [path for path in ORDER if any(_at(one, path) != _at(other, path) for one, other in pairs)]
    if differ:
        return Badge(name, "FAIL", f"The runs of a pair differ in {listed(differ)}, which decides what they see when.")
    if any(_arrivals(one) != _arrivals(other) for one, other in pairs):
        return not_checked(name, "The arms grow in different ways, which may decide when they see which class.")
    what = "seed, task, batch size and growths, from which the order follows"
    return Badge(name, "PASS", f"Both runs of {every(len(pairs), 'pair')} have the same {what}.")


def equal_budget(runs: pd.DataFrame, comparison: Comparison) -> Badge:
    """Check that both arms made equally many updates, or could, and are stopped early by the same rule."""
    name, arms = "equal budget", [comparison.first, comparison.second]
    if STEPS not in runs or not len(comparison.pairs):
        return not_checked(name, "There is no compared pair whose updates were counted.")
    completed = runs.loc[runs["status"] == "completed", ["trial", "seed", "arm", STEPS]]
    both = comparison.pairs[["trial", "seed"]].merge(completed, on=["trial", "seed"])
    wide = both.pivot_table(index=["trial", "seed"], columns="arm", values=STEPS).reindex(columns=arms).dropna()
    if not len(wide):
        return not_checked(name, "In no compared pair did both runs complete.")
    if (wide[arms[0]] == wide[arms[1]]).all():
        return Badge(name, "PASS", f"Both runs of {every(len(wide), 'completed pair')} made equally many updates.")
    first, second = (float(wide[arm].mean()) for arm in arms)
    close = abs(first - second) <= TOLERANCE * max(first, second)
    said = f"On average {number(first, 0)} updates under {arms[0]}, {number(second, 0)} under {arms[1]}"
    if _stop_alike(_configs(runs, comparison)):
        return Badge(name, "PASS", f"{said}: both could make equally many, and the same rule could stop both early.")
    return Badge(name, "PASS" if close else "FAIL", f"{said}: {'within' if close else 'more than'} 5 % of each other.")


def _stop_alike(pairs: Sequence[tuple[Any, Any]]) -> bool:
    """Return whether early stopping may end the runs of all pairs, both by the same rule and in as many steps."""
    alike = (all(one.get(name) == other.get(name) for name in STOPPING) for one, other in pairs)
    return all(alike) and all(one.get("early_stopping") for one, _ in pairs)


def _configs(runs: pd.DataFrame, comparison: Comparison) -> list[tuple[Any, Any]]:
    """Return the configurations of both runs of every compared pair."""
    columns = ["trial", "seed", "config"]
    sides = [runs.loc[runs["arm"] == arm, columns] for arm in (comparison.first, comparison.second)]
    pairs = comparison.pairs[["trial", "seed"]]
    both = pairs.merge(sides[0], on=["trial", "seed"]).merge(sides[1], on=["trial", "seed"])
    return [(json.loads(one), json.loads(other)) for one, other in zip(both["config_x"], both["config_y"], strict=True)]


def _at(config: Any, path: str) -> Any:
    for part in path.split("."):
        config = config.get(part) if isinstance(config, dict) else None
    return config


def _arrivals(config: Any) -> Sequence[Any]:
    """Return what of the growths can decide when a run sees which class."""
    return [[rule.get(what) for what in ARRIVAL] for rule in config.get("growths", ())]
