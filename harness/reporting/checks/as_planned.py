"""Whether runs are the ones that the study planned: its base run, with the searched values, the arm and the seed."""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from harness.reporting.data.columns import PARAM
from harness.reporting.data.study_data import StudyData
from harness.staging.study_spec import StudySpec

__all__ = ["departures"]


def departures(data: StudyData) -> dict[str, str]:
    """Return the runs, by id, whose recorded configuration is not the planned one, with the first field that differs.

    A field that the study sets may hold more than was given, such as the defaults of a leaf; all others are those of
    the base run.
    """
    found = {}
    for row in data.runs.to_dict("records"):
        config = json.loads(row["config"])
        searched = {label: row[PARAM + label] for label in data.labels}
        first = next(_differences(config, data.study.spec, searched, str(row["arm"]), int(row["seed"])), None)
        if first is not None:
            found[str(row["run_id"])] = first
    return found


def _differences(config: Any, spec: StudySpec, searched: Mapping[str, Any], arm: str, seed: int) -> Iterator[str]:
    """Yield the dotted paths at which `config` is not what the study makes of these values."""
    given = {(spec.space[label].field or label): value for label, value in searched.items()}
    changes = {**given, **spec.arms.get(arm, {}), "seed": seed}
    planned = deepcopy(dict(spec.base))
    try:
        for path, value in changes.items():
            _assign(planned, path, value)
    except (LookupError, TypeError, ValueError):
        yield path
        return
    yield from _apart(config, planned, frozenset(changes))


def _assign(content: Any, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for part in parents:
        content = content[int(part) if isinstance(content, list) else part]
    content[int(last) if isinstance(content, list) else last] = deepcopy(value)


def _apart(found: Any, planned: Any, loose: frozenset[str], path: str = "", *, given: bool = False) -> Iterator[str]:
    """Yield where `found` differs from `planned`; below a path in `loose`, it may have more fields."""
    given = given or path in loose
    if isinstance(planned, Mapping) and isinstance(found, Mapping):
        # A field of the plan that a run lacks came after it was trained; a run's own record is always complete.
        # So does one that the study sets: a later field is left out of a record at its default. `harness verify` plans
        # the run anew, and compares it whole.
        names = [name for name in planned if name in found or (given and _below(path, name) not in loose)]
        names += [name for name in found if name not in planned and not given]
        for name in names:
            yield from _apart(found.get(name), planned.get(name), loose, _below(path, name), given=given)
    elif isinstance(planned, list | tuple) and isinstance(found, list | tuple) and len(planned) == len(found):
        for place, (one, other) in enumerate(zip(found, planned, strict=True)):
            yield from _apart(one, other, loose, _below(path, str(place)), given=given)
    elif found != planned and not (given and _is_leaf_called(planned, found)):
        yield path


def _is_leaf_called(word: Any, found: Any) -> bool:
    """Whether a word stands for a leaf: `zeros` is `{"kind": "zeros"}`, and its defaults."""
    return isinstance(word, str) and isinstance(found, Mapping) and found.get("kind") == word


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
