"""The plan of a run's growths, and the search for the first of them that happens."""

from collections.abc import Sequence

from harness.core.history import History
from harness.growth.lineage import Change
from harness.growth.triggers import NEVER, AbstractTrigger, Progress

__all__ = ["GrowthRule", "Watch"]


class GrowthRule(Change):
    """When `trigger` fires, the change happens. Every rule acts once."""

    trigger: AbstractTrigger

    @property
    def change(self) -> Change:
        """What happens, without when: two rules that agree in it lead to the same network."""
        return Change(**{name: getattr(self, name) for name in Change.model_fields})


class Watch:
    """The rules that have not acted yet, and what their triggers remember."""

    def __init__(self, rules: Sequence[GrowthRule]) -> None:
        self.rules = tuple(rules)
        self._memories = [rule.trigger.begin() for rule in self.rules]

    def observe(self, progress: Progress) -> GrowthRule | None:
        """Show `progress` to every trigger; return the first rule that fires, if any does."""
        fired = None
        for index, rule in enumerate(self.rules):
            self._memories[index], fires = rule.trigger.observe(self._memories[index], progress)
            if fires and fired is None:
                fired = rule
        return fired

    def foreseen(self, start: int) -> tuple[int, GrowthRule | None] | None:
        """Return the first step after `start` at which a rule acts whatever happens, and the rule, if that is known.

        `NEVER` and None if it is known that none will.
        """
        steps = [rule.trigger.foreseen(start) for rule in self.rules]
        known = [step for step in steps if step is not None]
        if len(known) < len(steps):
            return None
        first = min(known, default=NEVER)
        return first, None if first == NEVER else self.rules[known.index(first)]

    def replay(self, history: History, *, start: int, until: int) -> tuple[int, GrowthRule] | None:
        """Observe what `history` says of the steps after `start` up to `until`, as if they were being trained.

        Returns:
            The step at which a rule fired and the rule, or None; nothing is observed after a rule fired.
        """
        if foreseen := self.foreseen(start):
            step, rule = foreseen
            return (step, rule) if rule and step <= until else None
        evaluations: dict[int, dict[str, float]] = {}
        for name in history:
            if name.startswith("val/"):
                for step, value in zip(history[name].steps, history[name].values, strict=True):
                    evaluations.setdefault(step, {})[name] = value
        heard = {n.removeprefix("signal/"): history[n].steps[0] for n in history if n.startswith("signal/")}
        metrics, signals = evaluations.get(start, {}), frozenset[str]()
        epochs = history["train/epoch"].upto(until)
        for step, epoch in zip(epochs.steps, epochs.values, strict=True):
            metrics = evaluations.get(step, metrics)
            signals |= {name for name, first in heard.items() if first == step}
            progress = Progress(step, step - start, int(epoch), metrics, step in evaluations, signals)
            if rule := self.observe(progress):
                return step, rule
        return None
