"""Loading a study as the command line changes it."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.search.study import Study

__all__ = ["load_changed"]


def load_changed(
    name: str, *, fields: list[str] | None, device: str | None, precision: str | None, other_name: str | None
) -> tuple["Study", Path]:
    """Return the study called `name` with fields of its base run changed, and the file it came from.

    Raises:
        InputError: there is no such study, or a change does not fit.
    """
    from harness.core.spec import parse_assignments
    from harness.search.find import find_study
    from harness.search.load import load_study

    changes = parse_assignments(fields or [])
    changes |= {field: value for field, value in [("device", device), ("precision", precision)] if value}
    file = find_study(name)
    return load_study(file).changed(changes, name=other_name), file
