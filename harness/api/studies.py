"""The study that is asked for: by its name, its path or as an object, with changes laid over it."""

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.errors import InputError

if TYPE_CHECKING:
    from harness.search.study import Study
    from harness.staging.ledger import StudyOrigin

__all__ = ["changed_study", "origin_of", "without_home"]


def changed_study(
    study: "Study | str | Path",
    changes: Mapping[str, Any],
    *,
    device: str | None = None,
    precision: str | None = None,
    name: str | None = None,
) -> tuple["Study", Path | None]:
    """Return the study with fields of its base run changed, and the file it came from, if it came from one.

    Args:
        study: itself, its name, or the path of its folder or file.
        changes: of the base run, by dotted path.
        device: where to train.
        precision: of forward passes.
        name: another name.

    Raises:
        InputError: there is no such study, or a change does not fit.
    """
    from harness.search.find import find_study
    from harness.search.load import load_study
    from harness.search.study import Study

    asked = [("device", device), ("precision", precision)]
    all_changes = {**changes, **{field: value for field, value in asked if value}}
    if isinstance(study, Study):
        return study.changed(all_changes, name=name), None
    if inspect.isroutine(study):
        raise InputError(f"expected a study, found the function {study.__name__}; call it: {study.__name__}()")
    if not isinstance(study, str | Path):
        raise InputError(f"expected a study, its name or its path, found {study!r:.60}")
    file = find_study(str(study))
    return load_study(file).changed(all_changes, name=name), file


def origin_of(study: "Study | str | Path", changes: Mapping[str, Any]) -> "StudyOrigin":
    """Return how a script asked for a study; one that Python code made has no name by which others could."""
    from harness.core.spec import Spec
    from harness.search.study import Study
    from harness.staging.ledger import StudyOrigin

    plain = {path: value.to_json() if isinstance(value, Spec) else value for path, value in changes.items()}
    said = tuple(f"{path}={json.dumps(value)}" for path, value in plain.items())
    return StudyOrigin("" if isinstance(study, Study) else without_home(str(study)), said)


def without_home(source: str) -> str:
    """Return the name or path of a study as it may be published: relative, whoever's folder it lies in."""
    path = Path(source)
    if not path.is_absolute():
        return source
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else path.parent.name if path.suffix else path.name
