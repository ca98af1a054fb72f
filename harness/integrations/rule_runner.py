"""Growth rules in a training loop that somebody else wrote: shown each step, they grow the network when it is time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn
from torch.optim import Optimizer

from harness.core.errors import SpecError
from harness.growth import Grown, GrowthRule, Probe, grow, growth_state, refreeze
from harness.growth.triggers import Progress, observed

__all__ = ["RuleRunner"]

STUDIES_ALONE = ("reveals", "loss_weight", "warm_up")


class RuleRunner:
    """Applies each of `rules` once, when its trigger fires.

    Args:
        rules: fields that only studies can follow (`reveals`, `loss_weight`, `warm_up`) must not be set.
        seed: of new values.

    Raises:
        SpecError: a rule has such a field.
    """

    def __init__(self, rules: Sequence[GrowthRule], *, seed: int = 0) -> None:
        self.rules = tuple(rules)
        self.seed = seed
        self.waiting = list(range(len(self.rules)))
        self.memories = [rule.trigger.begin() for rule in self.rules]
        self.grown_at, self.epoch_grown = 0, 0.0
        for rule in self.rules:
            _check(rule)

    def after_step(
        self,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        *,
        step: int,
        epoch: float,
        metrics: Mapping[str, float],
        evaluated: bool,
        probe: Callable[[], Probe | None],
        schedulers: Sequence[Any] = (),
    ) -> Grown | None:
        """Show the triggers a step that was made, and grow if one fires.

        Args:
            model: the network, wrapped as the trainer wraps it.
            optimizers: hold its parameters.
            step: updates so far, this one included.
            epoch: passes over the data so far.
            metrics: of the latest evaluation, by name.
            evaluated: whether that was made since the step before.
            probe: returns a batch for an operation that needs one.
            schedulers: of the optimizers' learning rates.
        """
        refreeze(model, list(optimizers), step=step)
        age, passes = step - self.grown_at, int(epoch - self.epoch_grown)
        progress = Progress(step, age, passes, metrics, evaluated)
        fired = None
        for index in self.waiting:
            trigger = self.rules[index].trigger
            self.memories[index], fires = observed(trigger, self.memories[index], progress)
            fired = index if fires and fired is None else fired
        if fired is None:
            return None
        grown = self._grow(self.rules[fired], model, optimizers, step, probe(), schedulers)
        self.waiting.remove(fired)
        self.grown_at, self.epoch_grown = step, epoch
        return grown

    def _grow(
        self,
        rule: GrowthRule,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        step: int,
        probe: Probe | None,
        schedulers: Sequence[Any],
    ) -> Grown:
        decay = {} if rule.weight_decay is None else {"weight_decay": rule.weight_decay}
        return grow(
            model,
            list(optimizers),
            rule.operation,
            freeze_policy=rule.freeze,
            probe=probe,
            keep_teacher=rule.keep_teacher,
            lr_factor=rule.lr_factor,
            group=decay,
            scheduler=list(schedulers),
            seed=self.seed,
            number=growth_state(model).number + 1,
            step=step,
        )

    def state_dict(self) -> dict[str, Any]:
        """Return plain JSON: which rules wait, and what their triggers remember."""
        return {
            "waiting": list(self.waiting),
            "memories": list(self.memories),
            "grown_at": self.grown_at,
            "epoch_grown": self.epoch_grown,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another runner of the same rules was.

        Raises:
            SpecError: it had another number of rules.
        """
        if len(state["memories"]) != len(self.rules):
            raise SpecError(
                f"expected the {len(state['memories'])} growth rules of the checkpoint, found {len(self.rules)}; give "
                "the same, those that have acted included"
            )
        self.waiting, self.memories = list(state["waiting"]), list(state["memories"])
        self.grown_at, self.epoch_grown = state["grown_at"], state["epoch_grown"]


def _check(rule: GrowthRule) -> None:
    fields = type(rule).model_fields
    foreign = [name for name in STUDIES_ALONE if getattr(rule, name) != fields[name].default]
    if foreign:
        raise SpecError(
            f"expected a growth rule without {foreign[0]!r}, which only the loop of studies follows, found "
            f"{getattr(rule, foreign[0])!r}; leave it out, and do this in your own loss or schedule"
        )
