"""Rules: which growths a run may have, what ends it early, and when the first of them happens."""

from collections.abc import Sequence

from harness.core.history import History
from harness.core.spec import Spec
from harness.growth.lineage import Change
from harness.growth.triggers import NEVER, AbstractTrigger, Progress, observed

__all__ = ["GrowthRule", "Rule", "StopRule", "TriggerMonitor", "growth_of"]


class GrowthRule(Change):
    """When `trigger` fires, the change happens. Every rule acts once."""

    trigger: AbstractTrigger

    @property
    def change(self) -> Change:
        """What happens, without when: two rules that agree in it lead to the same network."""
        return Change(**{name: getattr(self, name) for name in Change.model_fields})


class StopRule(Spec):
    """When `trigger` fires, the run has ended."""

    trigger: AbstractTrigger


Rule = GrowthRule | StopRule


def growth_of(rule: Rule | None) -> GrowthRule | None:
    """Return the rule if it brings a growth."""
    return rule if isinstance(rule, GrowthRule) else None


class TriggerMonitor:
    """The rules that have not acted yet, and what their triggers remember."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._memories = [rule.trigger.begin() for rule in self.rules]

    def observe(self, progress: Progress) -> Rule | None:
        """Show `progress` to every trigger; return the first rule that fires, if any does."""
        fired = None
        for index, rule in enumerate(self.rules):
            self._memories[index], fires = observed(rule.trigger, self._memories[index], progress)
            if fires and fired is None:
                fired = rule
        return fired

    def next_firing_step(self, start: int) -> tuple[int, Rule | None] | None:
        """Return the first step after `start` at which a rule acts whatever happens, and that rule.

        Returns:
            `NEVER` and None if it is known that no rule will act; None alone if it depends on the run.
        """
        steps = [rule.trigger.next_firing_step(start) for rule in self.rules]
        fixed = [step for step in steps if step is not None]
        if len(fixed) < len(steps):
            return None
        first = min(fixed, default=NEVER)
        return first, None if first == NEVER else self.rules[fixed.index(first)]

    def replay(self, history: History, *, start: int, until: int) -> tuple[int, Rule] | None:
        """Show the triggers the steps after `start` up to `until` as `history` recorded them, as training would.

        Returns:
            The step at which a rule fired and the rule, or None; nothing is observed after a rule fired.
        """
        if known := self.next_firing_step(start):
            step, rule = known
            return (step, rule) if rule and step <= until else None
        evaluations: dict[int, dict[str, float]] = {}
        for name in history:
            if name.startswith("val/"):
                for step, value in zip(history[name].steps, history[name].values, strict=True):
                    evaluations.setdefault(step, {})[name] = value
        signaled_at = {n.removeprefix("signal/"): history[n].steps[0] for n in history if n.startswith("signal/")}
        metrics, signals = evaluations.get(start, {}), frozenset[str]()
        epochs = history["train/epoch"].upto(until)
        for step, epoch in zip(epochs.steps, epochs.values, strict=True):
            metrics = evaluations.get(step, metrics)
            signals |= {name for name, first in signaled_at.items() if first == step}
            progress = Progress(step, step - start, int(epoch), metrics, step in evaluations, signals)
            if rule := self.observe(progress):
                return step, rule
        return None
