"""Badges of the comparison: do the two runs of a pair differ in nothing but their arm?"""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from harness.reporting.analysis.budgets import budgets_of
from harness.reporting.analysis.pairing import Account, Comparison
from harness.reporting.checks.badge import Badge, every, not_checked, passed_unless
from harness.reporting.data.wording import count, listed, number

__all__ = ["equal_budget", "same_order", "same_start"]

STEPS = "cost/steps"
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
    """Check that both arms made equally many updates or operations, or could, and are stopped by the same rule."""
    name = "equal budget"
    if STEPS not in runs or not len(comparison.pairs):
        return not_checked(name, "There is no compared pair whose updates were counted.")
    found = budgets_of(runs, comparison)
    if found is None:
        return not_checked(name, "In no compared pair did both runs complete.")
    if found.same_updates:
        return Badge(name, "PASS", f"Both runs of {every(found.pairs, 'completed pair')} made equally many updates.")
    first, second = (number(updates, 0) for updates in found.updates)
    said = f"On average {first} updates under {comparison.first}, {second} under {comparison.second}"
    if _stop_alike(_configs(runs, comparison)):
        return Badge(name, "PASS", f"{said}: both could make equally many, and the same rule could stop both early.")
    if found.equal == "operations":
        return Badge(name, "PASS", f"{said}, whose operations are within 5 % of each other.")
    close = found.equal == "updates"
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
