"""Classes that a division of the examples left without any in one of its parts."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from harness.core.label_map import Column, labels_of

__all__ = ["absent_classes"]

PARTS = ("training", "validation", "test")


def absent_classes(
    classes: Mapping[str, tuple[Column, ...]], labels: Tensor, parts: Sequence[Tensor], names: Sequence[str] = ()
) -> list[str]:
    """Say which classes have no example in which parts, one sentence for the same parts.

    Args:
        classes: of a task.
        labels: `[N]` classes of the examples.
        parts: the indices of the training, validation and test examples.
        names: of the classes 0, 1, ...
    """
    present = [set(labels[rows].tolist()) for rows in parts]
    absent: dict[str, list[str]] = {}
    for label in sorted({label for head in classes.values() for column in head for label in labels_of(column)}):
        lacking = [part for part, found in zip(PARTS, present, strict=True) if label not in found]
        if lacking:
            name, count = names[label] if label < len(names) else label, int((labels == label).sum())
            where = " and ".join(filter(None, (", ".join(lacking[:-1]), lacking[-1])))
            absent.setdefault(where, []).append(f"{name} ({count} in all)")
    return [f"no examples in the {lacking} data of the classes {', '.join(found)}" for lacking, found in absent.items()]
