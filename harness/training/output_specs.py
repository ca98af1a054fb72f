"""What the outputs of a network predict, derived from the task and the growths so far."""

from collections.abc import Iterable, Sequence

from harness.core.label_map import Column, LabelMap, labels_of
from harness.core.output_specs import OutputSpecs
from harness.data import TaskData
from harness.growth.freeze import named_parameters
from harness.growth.lineage import Effect, GrowthEvent
from harness.growth.relabel import grown_classes
from harness.models import GrowableModel

__all__ = ["output_at", "output_specs"]


def output_specs(
    model: GrowableModel, lineage: tuple[GrowthEvent, ...], effects: tuple[Effect, ...], data: TaskData
) -> OutputSpecs:
    """Return what the outputs of `model` predict after the growths in `lineage`, which had `effects`.

    Raises:
        SpecError: a growth added columns to an output, and no classes for them.
    """
    live = {next(iter([*data.classes, *data.outputs])), *model.heads} - model.off
    classes = {name: columns for name, columns in data.classes.items() if name in live}
    late = {name for effect in effects for name in effect.outputs}
    known = _labels(columns for name, columns in classes.items() if name not in late)
    arrived = {label: 0 for label in known if label not in data.hidden}
    for number, (event, effect) in enumerate(zip(lineage, effects, strict=True), start=1):
        reveals = event.change.reveals
        for path, columns in effect.columns.items():
            head = output_at(path, data)
            if head in classes:
                staying = [classes[head][old] for old in columns if old is not None]
                taken = _labels([staying, *(others for name, others in classes.items() if name != head)])
                classes[head] = grown_classes(classes[head], columns, [x for x in reveals if x not in taken])
        brought = _labels(classes[name] for name in effect.outputs if name in classes)
        came = (*reveals, *(label for label in brought if label not in data.hidden))
        arrived |= {label: number for label in came if label not in arrived}
    hidden = frozenset(data.hidden) - arrived.keys()
    device = next(model.parameters()).device
    label_map = LabelMap.of(classes, hidden=hidden, arrived=arrived, device=device)
    return OutputSpecs(label_map, data.outputs, data.scales, named_parameters(model))


def output_at(path: str, data: TaskData) -> str:
    """Return the output that the layer at `path` computes: a head's, or one whose name is in the path, or the first.

    >>> from harness.data import Output, TaskData
    >>> data = TaskData(None, None, None, {"known": (0, 1)}, outputs={"size": Output()})
    >>> output_at("heads.late.output", data), output_at("decoder.size", data), output_at("output", data)
    ('late', 'size', 'known')
    """
    parts = path.split(".")
    if parts[0] == "heads":
        return parts[1]
    names = [*data.classes, *data.outputs]
    return next((name for name in names if name in parts), names[0])


def _labels(columns: Iterable[Sequence[Column]]) -> list[int]:
    return [label for group in columns for column in group for label in labels_of(column)]
