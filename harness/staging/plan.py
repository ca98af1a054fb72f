"""The plan of runs: the tree of stages that they pass through, and which of these are stored."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from harness.growth.lineage import Change
from harness.growth.rules import Rule, TriggerMonitor, growth_of
from harness.staging.catalog import StageEntry
from harness.staging.run import RunConfig, resolved
from harness.staging.stage_key import first_key, next_key
from harness.staging.store import Store

__all__ = ["Plan", "PlannedStage", "make_plan"]


@dataclass
class PlannedStage:
    """A stage that runs pass through.

    Attributes:
        parent: the key of the stage before, or an empty string.
        start: the step at which it begins.
        change: of the growth at its beginning; None for a stage that begins at step 0.
        ends: by step, the number of runs that end there or go on with another stage.
        forks: those of these steps that are known.
        runs: the positions in the list of runs of those that pass through it.
        stored: the steps at which it is stored.
        open: whether the step at which some run leaves it is not known; `ends` then has the latest possible step.
    """

    key: str
    parent: str
    start: int
    change: Change | None
    ends: dict[int, int] = field(default_factory=dict)
    forks: set[int] = field(default_factory=set)
    runs: list[int] = field(default_factory=list)
    stored: tuple[int, ...] = ()
    open: bool = False

    @property
    def steps(self) -> int:
        """Steps that are trained once for all of these runs."""
        return max(self.ends) - self.start

    @property
    def steps_to_train(self) -> int:
        """Steps that are not stored; a run that leaves the stage early cannot start from a later snapshot."""
        snapshots, missing = {self.start, *self.stored}, 0
        for end in sorted(self.ends):
            missing += end - max(step for step in snapshots if step <= end)
            snapshots.add(end)
        return missing


@dataclass(frozen=True)
class Plan:
    """The stages of some runs by key, each after its parent.

    Attributes:
        steps: of all runs, as if each were trained alone.
    """

    stages: Mapping[str, PlannedStage]
    steps: int

    @property
    def distinct_steps(self) -> int:
        """Steps that have to be trained if runs share what they have in common."""
        return sum(stage.steps for stage in self.stages.values())

    @property
    def stored_steps(self) -> int:
        """Distinct steps that are stored."""
        return self.distinct_steps - sum(stage.steps_to_train for stage in self.stages.values())

    @property
    def forks(self) -> dict[str, frozenset[int]]:
        """The known steps at which runs end or leave a stage, by stage key."""
        return {key: frozenset(stage.forks) for key, stage in self.stages.items() if stage.forks}

    def children(self, key: str = "") -> Iterator[PlannedStage]:
        """Yield the stages that follow the stage `key`, or those that begin at step 0."""
        return (stage for stage in self.stages.values() if stage.parent == key)


def make_plan(
    configs: Iterable[RunConfig],
    store: Store | None = None,
    *,
    alone: bool = False,
    data_digest: Callable[[RunConfig], str] = lambda _: "",
) -> Plan:
    """Return the plan of runs, without training any step; `data_digest` is that of `Runner`."""
    planner = _Planner(store)
    steps = 0
    for position, config in enumerate(map(resolved, configs)):
        steps += config.steps
        planner.add(position, config, first_key(config, alone=alone, data=data_digest(config)))
    return Plan(planner.stages, steps)


class _Planner:
    """Merges runs into one tree of stages."""

    def __init__(self, store: Store | None) -> None:
        self.stages: dict[str, PlannedStage] = {}
        self._store = store
        self._entries: dict[str, dict[int, StageEntry]] = {}
        for entry in store.entries() if store else ():
            self._entries.setdefault(entry.address.key, {})[entry.address.step] = entry

    def add(self, position: int, config: RunConfig, key: str) -> None:
        """Add the stages of a run, from its first, `key`, to the last that is known."""
        parent, start, change, rules = "", 0, None, config.growths
        while True:
            stage = self.stages.setdefault(key, PlannedStage(key, parent, start, change))
            stage.stored = tuple(self._entries.get(key, ()))
            firing = self._firing(key, config.monitored(rules), start, config.steps)
            step, rule = firing if firing and firing[0] <= config.steps else (config.steps, None)
            stage.runs.append(position)
            stage.ends[step] = stage.ends.get(step, 0) + 1
            stage.open |= firing is None
            stage.forks |= {step} if firing else set()
            growth = growth_of(rule)
            if growth is None:
                return
            rules = tuple(other for other in rules if other is not growth)
            key, parent, start, change = next_key(key, step, growth.change, config), key, step, growth.change

    def _firing(self, key: str, rules: tuple[Rule, ...], start: int, until: int) -> tuple[int, Rule | None] | None:
        """Return the step at which a rule fires, or the run ends, and the rule; None if that is not known yet."""
        monitor = TriggerMonitor(rules)
        if known := monitor.next_firing_step(start):
            return known
        entries = {step: entry for step, entry in self._entries.get(key, {}).items() if step <= until}
        if self._store is None or not entries:
            return None
        last = max(entries)
        history = self._store.metrics(entries[last]).history
        return monitor.replay(history, start=start, until=last) or ((until, None) if last == until else None)
