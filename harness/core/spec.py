"""Specs: frozen, typed descriptions that are configuration, cache key and MLflow parameters at once.

A `Spec` is data. A member of an open family (operations, triggers, tasks, ...) is a `LeafSpec`: the family's
abstract class is the type of a field, and any leaf, also one defined in a study file, is its value. In JSON a leaf
is a mapping with its `kind`; a leaf that needs no arguments may be written as its kind alone.
"""

import inspect
import json
from collections.abc import Iterable, Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Self, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator

from harness.core.errors import SpecError
from harness.core.explain import a, close_match, did_you_mean, explain, unknown_field
from harness.core.spec_type import SpecType

S = TypeVar("S", bound="Spec")
_GONE = object()
LONGEST_INDEX = 18  # digits

__all__ = ["LeafSpec", "Spec", "did_you_mean", "explain", "flatten", "parse_assignments", "with_changes"]


class Spec(BaseModel, metaclass=SpecType):
    """A frozen description. Unknown fields are refused.

    Attributes:
        later: names of fields that came when specs of the class had been written without them.
    """

    later: ClassVar[tuple[str, ...]] = ()

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, polymorphic_serialization=True)

    @model_validator(mode="before")
    @classmethod
    def _fields_are_known(cls, content: Any) -> Any:
        """Refuse names of no field, and one spec for a tuple of them, whose fields would be taken for its items."""
        if isinstance(content, Mapping):
            for name, value in content.items():
                if name not in cls.model_fields:
                    raise ValueError(unknown_field(cls.__name__, str(name), cls.model_fields))
                if isinstance(value, bool) and _is_number(cls.model_fields[name].annotation):
                    raise ValueError(f"{name}: expected a number, found {value}")
                if isinstance(value, Spec) and get_origin(cls.model_fields[name].annotation) is tuple:
                    raise ValueError(
                        f"{name}: expected a tuple, found one {type(value).__name__}; put it in brackets, with a comma"
                    )
        return content

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON from which `model_validate` makes an equal spec.

        Later fields at their defaults are left out, so that digests of what was written before they came still hold.
        """
        content: dict[str, Any] = _without_later(self, self.model_dump(mode="json"))
        return content


def _is_number(annotation: Any) -> bool:
    """Return whether a field takes numbers, and neither flags nor anything; Python takes True for 1."""
    inner = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _is_number(inner[0])
    if get_origin(annotation) in (Union, UnionType):
        known = {_is_number(item) for item in inner if item is not NoneType}
        return known == {True}
    return annotation in (int, float)


def _without_later(value: Any, content: Any) -> Any:
    """Return the JSON `content` of `value` without later fields at their defaults."""
    if isinstance(value, Spec):
        known = type(value).model_fields
        values = {name: getattr(value, name) for name in content}
        left = [name for name in value.later if name in values and values[name] == known[name].default]
        return {name: _without_later(values[name], item) for name, item in content.items() if name not in left}
    if isinstance(value, Mapping):
        return dict(zip(content, map(_without_later, value.values(), content.values()), strict=True))
    if isinstance(value, tuple | list):
        return [_without_later(*pair) for pair in zip(value, content, strict=True)]
    return content


class LeafSpec(Spec):
    """A member of an open family, identified by `kind`."""

    kind: str

    @model_validator(mode="wrap")
    @classmethod
    def _leaf_of_kind(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not inspect.isabstract(cls) or isinstance(value, cls):
            return handler(value)
        if isinstance(value, str):
            value = {"kind": value}
        family = cls.__name__.removeprefix("Abstract")
        if isinstance(value, type):
            raise ValueError(f"expected {a(family)}, found the class {value.__name__}; write {value.__name__}(...)")
        if inspect.isroutine(value):
            raise ValueError(
                f"expected {a(family)}, found the function {value.__name__}; make it a class of that family"
            )
        if not isinstance(value, Mapping):
            raise ValueError(f"expected {a(family)}, found {value!r:.80}")
        leaves = _by_kind(cls)
        kind = value.get("kind")
        if not isinstance(kind, str) or kind not in leaves:
            found, close = "none" if kind is None else repr(kind), close_match(str(kind), leaves)
            raise ValueError(
                f"expected a kind among {', '.join(sorted(leaves))}; found {found}{'.' * bool(close)}{close}"
            )
        leaf: Self = leaves[kind].model_validate(value)
        return leaf


def _by_kind(family: type[LeafSpec]) -> dict[str, type[Any]]:
    leaves: dict[str, type[Any]] = {}
    for leaf in _leaves(family):
        kind = leaf.model_fields["kind"].default
        other = leaves.setdefault(kind, leaf)
        # A study file that is loaded again defines its leaves again; the latest counts.
        if (other.__module__, other.__qualname__) != (leaf.__module__, leaf.__qualname__):
            raise ValueError(f"expected one class of the kind {kind!r}, found {other.__name__} and {leaf.__name__}")
        leaves[kind] = leaf
    return leaves


def _leaves(family: type[LeafSpec]) -> Iterator[type[Any]]:
    for child in family.__subclasses__():
        if not inspect.isabstract(child):
            yield child
        yield from _leaves(child)


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Read `a.b.c=value` texts; a value is JSON where it parses as JSON, else text.

    Raises:
        SpecError: a text has no `=`.
    """
    changes: dict[str, Any] = {}
    for text in assignments:
        path, equals, value = text.partition("=")
        if not equals or not path:
            raise SpecError(f"expected PATH=VALUE, found {text!r:.100}; for example training.batch_size=32")
        try:
            changes[path] = json.loads(value)
        except (ValueError, RecursionError):  # no JSON, or numbers or brackets by the thousand
            changes[path] = value
    return changes


def with_changes(spec: S, changes: Mapping[str, Any], *, without: Iterable[str] = ()) -> S:
    """Return `spec` with the fields at dotted paths replaced, validated as a whole.

    Items of lists and mappings at the paths `without` are left out at the end, so that all paths are those of `spec`.

    Raises:
        SpecError: a path names no field, or a value does not fit; the message names the field.
    """
    # What is not changed stays as it was written: a plain mapping in a field would keep later fields that it got here.
    content, whole = spec.to_json(), spec.model_dump(mode="json")
    for path, value in changes.items():
        _assign(content, whole, path, _as_json(value))
    for path in without:
        _assign(content, whole, path, _GONE)
        _check_item(spec, path)
    try:
        return type(spec).model_validate(_without_gone(content))
    except ValidationError as error:
        raise SpecError(explain(error)) from None


def _check_item(spec: Any, path: str) -> None:
    for part in path.split(".")[:-1]:
        if isinstance(spec, Spec):
            spec = getattr(spec, part)
        elif isinstance(spec, Mapping):
            spec = spec[part]
        else:
            spec = spec[int(part)]
    if isinstance(spec, Spec):
        raise SpecError(f"expected an item of a list or a mapping to leave out, found {path!r}, a field of every run")


def _without_gone(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_gone(item) for key, item in content.items() if item is not _GONE}
    return [_without_gone(item) for item in content if item is not _GONE] if isinstance(content, list) else content


def _as_json(value: Any) -> Any:
    """Return a copy of `value` with the JSON of the specs in it."""
    if isinstance(value, Spec):
        return value.to_json()
    if isinstance(value, Mapping):
        return {key: _as_json(item) for key, item in value.items()}
    return [_as_json(item) for item in value] if isinstance(value, list | tuple) else value


def _assign(content: Any, whole: Any, path: str, value: Any) -> None:
    """Put `value` at `path` into `content`, and into `whole`, which also has later fields at their defaults."""
    *parents, last = path.split(".")
    root = whole
    for part in parents:
        key = _key_in(whole, part, path, root)
        if isinstance(content, dict):
            content.setdefault(key, whole[key])
        content, whole = content[key], whole[key]
    key = _key_in(whole, last, path, root)
    content[key] = whole[key] = value


def _key_in(container: Any, part: str, path: str, root: Any) -> str | int:
    if isinstance(container, list):
        if part.isdecimal() and len(part) <= LONGEST_INDEX and int(part) < len(container):
            return int(part)
        raise SpecError(f"no field {path!r:.200}: expected an index below {len(container)}, found {part!r:.100}.")
    if isinstance(container, dict):
        if part in container:
            return part
        paths = [] if close_match(part, container) else _paths_to(part, root)[:1]
        below = f" Did you mean {paths[0]!r}?" if paths else ""
        raise SpecError(f"no field {path!r:.200}: {part!r:.100} is unknown.{below}{did_you_mean(part, container)}")
    raise SpecError(f"no field {path!r:.200}: a plain value has no field {part!r:.100}.")


def _paths_to(name: str, content: Any, prefix: str = "") -> list[str]:
    """Return the paths in nested JSON whose last part is `name`."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    paths = []
    for key, item in items:
        path = f"{prefix}{key}"
        paths += [path] if key == name else []
        paths += _paths_to(name, item, f"{path}.")
    return paths


def flatten(content: Any, prefix: str = "") -> dict[str, Any]:
    """Return the leaves of nested JSON by dotted path; lists of plain values stay whole.

    >>> flatten({"a": {"b": 1}, "c": [{"d": 2}], "e": [3, 4]})
    {'a.b': 1, 'c.0.d': 2, 'e': [3, 4]}
    """
    if isinstance(content, dict) and content:
        items = content.items()
    elif isinstance(content, list) and any(isinstance(item, dict) for item in content):
        items = {str(index): item for index, item in enumerate(content)}.items()
    else:
        return {prefix: content}
    flat: dict[str, Any] = {}
    for key, item in items:
        flat |= flatten(item, f"{prefix}.{key}" if prefix else str(key))
    return flat
