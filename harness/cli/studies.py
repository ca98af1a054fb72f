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
    from harness.api.studies import changed_study
    from harness.core.spec import parse_assignments

    changes = parse_assignments(fields or [])
    loaded, file = changed_study(name, changes, device=device, precision=precision, name=other_name)
    assert file is not None  # it was asked for by name
    return loaded, file
