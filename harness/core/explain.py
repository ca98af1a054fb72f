"""What pydantic finds wrong with a spec, in the words of this project, on one line."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

__all__ = ["a", "close_match", "did_you_mean", "explain", "unknown_field"]

MOST_PROBLEMS, LONGEST_VALUE = 3, 77
SHORTEST_PART = 3  # of a name, that may stand for it: `flip` for `horizontal_flip`
# By pydantic's type of a problem; `{...}` are what pydantic says beside it.
EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of at least {ge:g}",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of at most {le:g}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "at least {min_length} characters",
    "string_type": "a text",
    "too_long": "at most {max_length} entries",
    "too_short": "{min_length} or more entries",
    "tuple_type": "a tuple",
}
# Parts of a location that are no fields: alternatives of a union, the name of an item.
ALTERNATIVE = re.compile(
    r"\[key\]|constrained-\w+|function-\w+\[.*\]|(bool|dict|float|int|list|literal|none|str|tuple)(\[.*\])?"
)
FIELD = re.compile(r"[A-Za-z_]\w*(\.[\w -]+)*: ")


def explain(error: ValidationError, spec: str = "") -> str:
    """Say in one line what is wrong with a spec and where, below the name `spec` if it is given."""
    places: dict[str, list[Mapping[str, Any]]] = {}
    for problem in error.errors(include_url=False):
        places.setdefault(_place(problem["loc"]), []).append(problem)
    said = [_said(spec, where, problems) for where, problems in places.items()]
    more = [f"and {len(said) - MOST_PROBLEMS} more"] if len(said) > MOST_PROBLEMS + 1 else []
    return " | ".join([*said[: MOST_PROBLEMS if more else None], *more])


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message: the likely name, and all known names."""
    names = list(known)
    return f"{close_match(name, names)} There are: {', '.join(names) or 'none'}."


def close_match(name: str, known: Iterable[str]) -> str:
    """Return the likely name as a part of an error message; nothing if no known name, or part of one, is like it."""
    names = list(known)
    parts = {part: whole for whole in names for part in re.split(r"[_./]", whole) if len(part) >= SHORTEST_PART}
    close = [known for known in names if known.lower() == name.lower()][:1] or difflib.get_close_matches(
        name, names, n=1
    )
    close = close or [parts[part] for part in difflib.get_close_matches(name, list(parts), n=1, cutoff=0.8)]
    return f" Did you mean {close[0]!r}?" if close else ""


def a(noun: str) -> str:
    """Return a noun with its article."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def unknown_field(spec: str, name: str, known: Iterable[str]) -> str:
    """Say that the class `spec` has no field `name`; a leaf's kind is no field to be given."""
    return f"{spec} has no field {name!r}.{did_you_mean(name, [one for one in known if one != 'kind'])}"


def _place(location: tuple[int | str, ...]) -> str:
    parts = list(map(str, location))
    while len(parts) > 1 and ALTERNATIVE.fullmatch(parts[-1]):
        parts.pop()
    return ".".join(parts)


def _said(spec: str, where: str, problems: list[Mapping[str, Any]]) -> str:
    alternatives = list(filter(None, map(_expected, problems)))
    whole = [problem for problem in problems if not _expected(problem)]
    if whole:
        return _below(spec, where, " | ".join(_in_own_words(problem) for problem in whole))
    missing = problems[0]["type"] == "missing"
    found = "none" if missing else _shown(problems[0]["input"])
    return _below(spec, where, f"expected {' or '.join(dict.fromkeys(alternatives))}, found {found}")


def _below(spec: str, where: str, what: str) -> str:
    """Put together which spec it is, the place in it, and what is wrong there."""
    if spec and not where and what.startswith(f"{spec} "):
        return what
    if spec and not where and FIELD.match(what):
        return f"{spec}.{what}"
    place = ".".join(filter(None, (spec, where)))
    return f"{place}: {what}" if place else what


def _expected(problem: Mapping[str, Any]) -> str:
    """Return what was expected, without what was found; nothing if the problem says both in words of its own."""
    if problem["type"] == "missing":
        return "a value"
    if problem["type"] == "model_type":
        return a(problem["ctx"]["class_name"])
    if problem["type"] in EXPECTED:
        return EXPECTED[problem["type"]].format(**problem.get("ctx", {}))
    if problem["type"] != "value_error":
        return str(problem["msg"]).removeprefix("Input should be ")
    expected, found, value = str(problem["msg"]).partition(", found ")
    own = expected.removeprefix("Value error, expected ")
    return own if found and own != expected and value == repr(problem["input"]) else ""


def _in_own_words(problem: Mapping[str, Any]) -> str:
    return " ".join(str(problem["msg"]).removeprefix("Value error, ").splitlines())


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."
