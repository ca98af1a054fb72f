"""Specs in words: what is switched off is left out, and several that are alike are said as one."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from harness.reporting.data.wording import setting

__all__ = ["described", "spaced"]

NEUTRAL = {  # values with which a field does nothing
    "dropout": 0,
    "frozen_norm": "eval",
    "label_smoothing": 0,
    "loss_weight": 1,
    "lr_factor": 1,
    "padding": 0,
    "warm_up": 0,
    "weight": 1,
    "width": 0,
}
NAMES = {
    "adagrad": "Adagrad",
    "adam": "Adam",
    "adamw": "AdamW",
    "gelu": "GELU",
    "init": "initialization",
    "lr": "learning rate",
    "mlp": "MLP",
    "relu": "ReLU",
    "sgd": "SGD",
}
FEWEST_IN_A_ROW = 4  # whole numbers, of which the first and the last are said


class _Several(tuple[Any, ...]):
    """The values of one field in specs that are otherwise alike."""

    __slots__ = ()


def spaced(name: str) -> str:
    """Write the name of a kind or a field as prose does.

    >>> spaced("lr_factor"), spaced("adamw")
    ('learning rate factor', 'AdamW')
    """
    return " ".join(NAMES.get(word, word) for word in name.split("_"))


def described(value: Any, *, prose: bool = False) -> str:
    """Write a field's value; with `prose`, names as prose has them.

    >>> described({"kind": "attach_head", "name": "late", "outputs": 4, "width": 0, "shape": [1, 28, 28]})
    'attach_head (name late, outputs 4, shape (1, 28, 28))'
    >>> described([{"kind": "insert", "name": "a", "width": 8}, {"kind": "insert", "name": "b", "width": 8}])
    '2 times insert (name a and b, width 8)'
    >>> described({"t0": [0, 1], "t1": [2, 3, 4, 5]}), described({"kind": "at_step", "step": 200})
    ('t0 (0, 1), t1 2 to 5', 'at_step 200')
    """
    if isinstance(value, _Several):
        *first, last = (_within(item, prose) for item in value)
        return f"{', '.join(first)} and {last}"
    if isinstance(value, Mapping) and value:
        return _growth(value, prose) if {"operation", "trigger"} <= value.keys() else _spec(value, prose)
    if isinstance(value, list | tuple) and value:
        return _list(value, prose)
    if isinstance(value, str):
        return NAMES.get(value, value) if prose else value
    return str(int(value)) if isinstance(value, float) and value == int(value) and abs(value) < 1e6 else setting(value)


def _growth(rule: Mapping[str, Any], prose: bool) -> str:
    operation, trigger = (described(rule[name], prose=prose) for name in ("operation", "trigger"))
    rest = {name: item for name, item in rule.items() if name not in ("operation", "trigger")}
    return ", ".join([f"{operation} {trigger}", *_fields(rest, prose, spaced_names=prose)])


def _spec(value: Mapping[str, Any], prose: bool) -> str:
    fields = {name: item for name, item in value.items() if name != "kind"}
    told = _fields(fields, prose, spaced_names=prose and "kind" in value)
    joined = ("; " if any(map(_has_commas, told)) else ", ").join(told)
    if "kind" not in value:
        return joined or "none"
    kind = described(value["kind"])
    kind = spaced(kind) if prose else kind
    own = [name for name in fields if name != "frozen_norm" or not _does_nothing(name, fields[name])]
    if len(own) == 1 and told and not isinstance(fields[own[0]], Mapping | bool):
        return f"{kind} {_within(fields[own[0]], prose)}"
    return f"{kind} ({joined})" if told else kind


def _fields(fields: Mapping[str, Any], prose: bool, *, spaced_names: bool) -> list[str]:
    """Write the fields that do something."""
    told = {name: item for name, item in fields.items() if not _does_nothing(name, item)}
    said = {spaced(name) if spaced_names else name: item for name, item in told.items()}
    return [name if item is True else f"{name} {_within(item, prose)}" for name, item in said.items()]


def _does_nothing(name: str, value: Any) -> bool:
    return value is None or value is False or value in ("", [], {}, ()) or (name in NEUTRAL and value == NEUTRAL[name])


def _within(value: Any, prose: bool) -> str:
    """Write a value inside another one: in brackets, if commas in it could be taken for the other's."""
    text = described(value, prose=prose)
    is_open = isinstance(value, list | tuple | Mapping) and not isinstance(value, _Several) and _has_commas(text)
    return f"({text})" if is_open else text


def _has_commas(text: str) -> bool:
    """Return whether `text` has a comma outside brackets."""
    depth = 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            return True
    return False


def _list(value: Sequence[Any], prose: bool) -> str:
    if all(isinstance(item, Mapping) for item in value):
        return "; then ".join(_alike(list(specs), prose) for _, specs in groupby(value, _kinds))
    whole = all(isinstance(item, int) and not isinstance(item, bool) for item in value)
    if whole and len(value) >= FEWEST_IN_A_ROW and list(value) == list(range(value[0], value[0] + len(value))):
        return f"{value[0]} to {value[-1]}"
    return ", ".join(_within(item, prose) for item in value)


def _alike(specs: Sequence[Any], prose: bool) -> str:
    """Write specs of the same kinds as one."""
    often = f"{len(specs)} times " if len(specs) > 1 else ""
    return often + described(_merged(specs), prose=prose)


def _kinds(spec: Any) -> Any:
    """Return what two specs have in common that can be said as one: their fields, and the kinds in them."""
    if not isinstance(spec, Mapping):
        return None
    return (spec.get("kind"), tuple((name, _kinds(item)) for name, item in sorted(spec.items())))


def _merged(values: Sequence[Any]) -> Any:
    """Return specs of the same kinds as one, with several values where they differ."""
    first = values[0]
    if all(value == first for value in values):
        return first
    if isinstance(first, Mapping):
        return {name: _merged([value[name] for value in values]) for name in first}
    return _Several(values)
