"""The plan before the work: the tree of stages that many runs come to, and what of it is stored already."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from harness.growth import GrowthRule
from harness.growth.lineage import Change
from harness.growth.rules import TriggerMonitor
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
        change: what the growth at its beginning does, if it begins with one.
        ends: how many runs end or leave it, by step.
        runs: the positions, among all, of those that pass through it.
        stored: the steps at which it is stored.
        open: whether a run leaves it at a step that nobody knows yet; then `ends` has the latest that it can be.
    """

    key: str
    parent: str
    start: int
    change: Change | None
    ends: dict[int, int] = field(default_factory=dict)
    runs: list[int] = field(default_factory=list)
    stored: tuple[int, ...] = ()
    open: bool = False

    @property
    def steps(self) -> int:
        """Steps that have to be trained for all of them, once."""
        return max(self.ends) - self.start

    @property
    def steps_to_train(self) -> int:
        """Steps of these that are not stored; a later snapshot is of no use to who leaves the stage before it."""
        known, missing = {self.start, *self.stored}, 0
        for end in sorted(self.ends):
            missing += end - max(step for step in known if step <= end)
            known.add(end)
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
        """Distinct steps that are stored already."""
        return self.distinct_steps - sum(stage.steps_to_train for stage in self.stages.values())

    @property
    def forks(self) -> dict[str, frozenset[int]]:
        """Return, by stage key, the steps at which runs end or leave a stage, as far as they are known."""
        return {key: frozenset(stage.ends) for key, stage in self.stages.items() if not stage.open}

    def children(self, key: str = "") -> Iterator[PlannedStage]:
        """Yield the stages that follow the stage `key`, or those that begin at step 0."""
        return (stage for stage in self.stages.values() if stage.parent == key)


def make_plan(configs: Iterable[RunConfig], store: Store | None = None, *, alone: bool = False) -> Plan:
    """Return the plan of runs; no step is trained for it."""
    planner = _Planner(store)
    steps = 0
    for position, config in enumerate(map(resolved, configs)):
        steps += config.steps
        planner.add(position, config, first_key(config, alone=alone))
    return Plan(planner.stages, steps)


class _Planner:
    """Lays runs over each other."""

    def __init__(self, store: Store | None) -> None:
        self.stages: dict[str, PlannedStage] = {}
        self._store = store
        self._entries: dict[str, dict[int, StageEntry]] = {}
        for entry in store.entries() if store else ():
            self._entries.setdefault(entry.address.key, {})[entry.address.step] = entry

    def add(self, position: int, config: RunConfig, key: str) -> None:
        """Follow a run, whose first stage is `key`, as far as is known."""
        parent, start, change, rules = "", 0, None, config.growths
        while True:
            stage = self.stages.setdefault(key, PlannedStage(key, parent, start, change))
            stage.stored = tuple(self._entries.get(key, ()))
            fired = self._fired(key, rules, start, config.steps)
            step, rule = fired if fired and fired[0] <= config.steps else (config.steps, None)
            stage.runs.append(position)
            stage.ends[step] = stage.ends.get(step, 0) + 1
            stage.open |= fired is None
            if rule is None:
                return
            rules = tuple(other for other in rules if other is not rule)
            key, parent, start, change = next_key(key, step, rule.change), key, step, rule.change

    def _fired(
        self, key: str, rules: tuple[GrowthRule, ...], start: int, until: int
    ) -> tuple[int, GrowthRule | None] | None:
        """Return the step at which a rule acts, or the run ends, and the rule; None if nobody knows yet."""
        monitor = TriggerMonitor(rules)
        if known := monitor.next_firing_step(start):
            return known
        entries = {step: entry for step, entry in self._entries.get(key, {}).items() if step <= until}
        if self._store is None or not entries:
            return None
        last = max(entries)
        history = self._store.measured(entries[last]).history
        return monitor.replay(history, start=start, until=last) or ((until, None) if last == until else None)
