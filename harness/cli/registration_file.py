"""The file of a registration: its points, and whether a study that it lies beside is trained with others."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.core.errors import InputError
from harness.staging.previous_specs import MUTABLE_FIELDS

if TYPE_CHECKING:
    from harness.search.study import Study
    from harness.staging.ledger import Ledger

__all__ = ["note_of_other_points", "points_of_file"]


def points_of_file(given: str) -> str:
    """Return the points of a registration, of which the digest or the file is given.

    Raises:
        InputError: there is a file of this name, and it is no registration.
    """
    path = Path(given)
    if not given or not path.is_file():
        return given
    points = _content(path).get("points")
    if not isinstance(points, str):
        raise InputError(f"expected a registration in {path}, as harness register writes it, found another file")
    return points


def note_of_other_points(study: "Study", file: Path, ledger: "Ledger", register: str) -> str | None:
    """Say that a study which is about to begin has a registration beside it, whose points it will not have.

    Args:
        study: as it is launched.
        file: of the study.
        ledger: in which it would be registered.
        register: the command that repeats the registration there, without its points.
    """
    from harness.staging.registration import registration_of

    path = file.with_name("registration.json")
    content = _content(path)
    if content.get("study") != study.name or _plan(content.get("spec")) != _plan(study.to_json()):
        return None
    if ledger.exists and (ledger.study(study.name) or registration_of(ledger.database, study.name)):
        return None
    return f"configurations are drawn anew; those of {path} come from: {register} --points {shlex.quote(str(path))}"


def _plan(spec: Any) -> dict[str, Any] | None:
    """Return what a spec plans, without what may differ between homes: sizes, device and precision."""
    if not isinstance(spec, dict) or not isinstance(spec.get("base"), dict):
        return None
    base = {name: value for name, value in spec["base"].items() if name not in ("device", "precision")}
    return {name: value for name, value in spec.items() if name not in (*MUTABLE_FIELDS, "points")} | {"base": base}


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
