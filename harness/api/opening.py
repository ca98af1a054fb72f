"""Opening what was run before: a home with its studies, the results of one, or those of a report."""

from dataclasses import dataclass
from pathlib import Path
from typing import overload

from harness.api.workspaces import workspace_at
from harness.core.errors import InputError
from harness.reporting.results.study_results import StudyResults, results_in, results_of_report
from harness.staging.workspace import Workspace

__all__ = ["Studies", "open", "open_report"]


@dataclass(frozen=True)
class Studies:
    """The studies that were begun in a home, by name."""

    workspace: Workspace

    @property
    def names(self) -> list[str]:
        """Their names."""
        ledger = self.workspace.ledger
        return [record.name for record in ledger.studies()] if ledger.exists else []

    def __getitem__(self, study: str) -> StudyResults:
        """Return the results of a study.

        Raises:
            StudyNotFoundError: no study of that name was begun in the home.
        """
        return results_in(self.workspace, study)

    def __repr__(self) -> str:
        return f"{self.workspace.home}: {', '.join(self.names) or 'no study was begun'}"


@overload
def open(
    home: str | Path | None = None, study: None = None, *, storage: str | None = None, store: str | Path | None = None
) -> Studies: ...


@overload
def open(
    home: str | Path | None, study: str, *, storage: str | None = None, store: str | Path | None = None
) -> StudyResults: ...


@overload
def open(*, study: str, storage: str | None = None, store: str | Path | None = None) -> StudyResults: ...


def open(
    home: str | Path | None = None,
    study: str | None = None,
    *,
    storage: str | None = None,
    store: str | Path | None = None,
) -> Studies | StudyResults:
    """Return a home with the studies that were begun in it, or the results of one of them.

    Args:
        home: the folder of all that was run; else `HARNESS_HOME`, else `runs` here.
        study: one that was begun there.
        storage: the URL of the home's database; else `HARNESS_STORAGE`, else SQLite files in the home.
        store: the folder of finished stages; else `HARNESS_STORE`, else `store` in the home.

    Raises:
        StudyNotFoundError: no study of that name was begun there.
        InputError: there is no folder `home`.
    """
    opened = Studies(workspace_at(home, storage, store))
    if home is not None and not opened.workspace.home.is_dir():
        hint = f"; open(study={str(home)!r}) opens a study in the usual home" if study is None else ""
        raise InputError(f"expected the folder of all that was run, found none at {opened.workspace.home}{hint}")
    return opened if study is None else opened[study]


def open_report(folder: str | Path) -> StudyResults:
    """Return the results that the report in `folder` holds, such as a published one.

    Raises:
        InputError: the folder holds no report as it was written.
    """
    return results_of_report(Path(folder))
