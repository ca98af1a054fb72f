"""What a network remembers of its growths as JSON and tensors, and a fresh network that takes it over.

Values of parameters are no part of it: whoever trains the network stores those, and loads them afterwards.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from harness.core.errors import SnapshotError
from harness.growth.distributed import on_every_process
from harness.growth.frozen_modes import mode_without_freezing, stay_in_eval_mode
from harness.growth.growth_state import GrowthState, growth_state, keep_growth_state, unwrapped
from harness.growth.identities import Identities, Slot
from harness.growth.lineage import GrowthEvent
from harness.growth.plain_forward import plain_forward
from harness.growth.probe import Probe
from harness.growth.recipe import Reshaping, rebuild
from harness.growth.rollback import all_or_nothing

__all__ = ["growth_tree", "restore_growth", "tensors_of"]


def tensors_of(model: nn.Module) -> dict[str, Tensor]:
    """Return all parameters and buffers by name; `state_dict()` leaves out buffers that are not persistent."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def growth_tree(model: nn.Module, tensors: dict[str, Tensor], name: str = "growth") -> dict[str, Any]:
    """Return JSON from which `restore_growth` makes a fresh network like `model`, which may be wrapped.

    Args:
        model: the network; of one that never grew, modes and what is frozen are saved.
        tensors: gets the tensors that examples of probes hold, under names that begin with `name`.
        name: see `tensors`.
    """
    model = unwrapped(model)
    state = growth_state(model).updated(model)
    paths = {id(module): path for path, module in model.named_modules()}
    return {
        "number": state.number,
        "lineage": [event.to_json() for event in state.lineage],
        "recipe": [step.to_tree(tensors, f"{name}.{index}") for index, step in enumerate(state.recipe)],
        "frozen": sorted(state.frozen),
        "thawed": sorted(state.thawed),
        "age": state.age,
        "slots": {
            key: [paths[id(slot.module)], slot.attribute, slot.birth, slot.trainable]
            for key, slot in state.identities.items()
        },
        "still": [key for key, parameter in model.named_parameters() if not parameter.requires_grad],
        "eval": [path for path, module in model.named_modules() if not mode_without_freezing(module)],
    }


def restore_growth(
    model: nn.Module, content: Mapping[str, Any], tensors: Mapping[str, Tensor], *, probe: Probe | None = None
) -> GrowthState:
    """Give a fresh `model` the shape, the ids, the modes and what is frozen of the one that `growth_tree` was told of.

    Raises:
        SnapshotError: this is another network; it is then as it was.
    """
    given, model = model, unwrapped(model)
    recipe = tuple(Reshaping.from_tree(step, dict(tensors)) for step in content["recipe"])
    with all_or_nothing(model), on_every_process(given), plain_forward(model):
        rebuild(model, recipe, probe=probe)
        identities = _identities(model, content["slots"])
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name not in content["still"])
        still = set(content["eval"])
        for path, module in model.named_modules():
            module.training = path not in still
        state = GrowthState(
            identities,
            content["number"],
            tuple(GrowthEvent.model_validate(event) for event in content["lineage"]),
            frozenset(content["frozen"]),
            thawed=frozenset(content["thawed"]),
            age=content["age"],
            recipe=recipe,
        ).now()
        stay_in_eval_mode(model, identities, state.frozen, frozen_norm=state.policy.frozen_norm)
        if state.lineage:
            keep_growth_state(model, state)
    return state


def _identities(model: nn.Module, slots: Mapping[str, list[Any]]) -> Identities:
    """Return the ids `slots`, each with the module and attribute of its tensor."""
    modules = dict(model.named_modules())
    try:
        known = {
            name: Slot(modules[path], attribute, birth, trainable)
            for name, (path, attribute, birth, trainable) in slots.items()
        }
    except KeyError as error:
        raise _different(error.args[0]) from None
    if absent := next((name for name, slot in known.items() if not slot.is_filled), None):
        raise _different(absent.partition("/")[2])
    return Identities.of(known)


def _different(name: str) -> SnapshotError:
    return SnapshotError(
        f"expected the network that was saved, found one without {name!r}; build it as it was before its first growth"
    )
