"""Modules outside of this package that define classes of a spec, and what they define."""

from collections.abc import Iterator
from types import CodeType, FunctionType

from harness.core.spec import Spec

__all__ = ["codes_of", "is_plain", "own_modules", "specs_in"]

Plain = bool | int | float | str | None


def own_modules(spec: Spec) -> list[str]:
    """Return the names of the modules outside of this package that define classes of `spec` and of specs in it."""
    names = {type(part).__module__ for part in specs_in(spec)}
    return sorted(name for name in names if name.split(".")[0] != "harness")


def specs_in(value: object) -> Iterator[Spec]:
    """Yield `value`, if it is a spec, and all specs in it."""
    if isinstance(value, Spec):
        yield value
        for name in type(value).model_fields:
            yield from specs_in(getattr(value, name))
    elif isinstance(value, tuple | list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from specs_in(item)


def is_plain(value: object) -> bool:
    """Return whether a value is a number, a text or nothing, or lists and mappings of such."""
    if isinstance(value, dict):
        return is_plain([*value, *value.values()])
    return all(map(is_plain, value)) if isinstance(value, list | tuple) else isinstance(value, Plain)


def codes_of(value: object, module: str) -> Iterator[CodeType]:
    """Yield the code of a function, or of the methods of a class, that `module` defines, and of functions in it."""
    if getattr(value, "__module__", None) != module:
        return
    if isinstance(value, FunctionType):
        yield from _nested(value.__code__)
    elif isinstance(value, type):
        for member in vars(value).values():
            yield from codes_of(getattr(member, "__func__", getattr(member, "fget", member)), module)


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)
