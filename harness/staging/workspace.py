"""A workspace: the home, the database and the folders that everything of a study lies in, opened in one place."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.staging.ledger import Ledger, StudyRecord

if TYPE_CHECKING:
    from harness.staging.store import Store

__all__ = ["Workspace"]


@dataclass(frozen=True)
class Workspace:
    """Where studies are run.

    A copy that is pickled opens its ledger and store anew, in whatever process it arrives.

    Attributes:
        home: the folder of all that was run.
        storage: the URL of one database for many machines; by default the ledger is a SQLite file in the home.
        store_folder: of finished stages; by default `store` in the home.
        data_folder: looked into before data are downloaded.
    """

    home: Path
    storage: str | None = None
    store_folder: Path | None = None
    data_folder: Path | None = None

    def __reduce__(self) -> tuple[type["Workspace"], tuple[Path, str | None, Path | None, Path | None]]:
        return type(self), (self.home, self.storage, self.store_folder, self.data_folder)

    @cached_property
    def ledger(self) -> Ledger:
        """Studies and runs; nothing is written before `create`."""
        return Ledger(self.home, self.storage)

    @cached_property
    def store(self) -> "Store":
        """Finished stages, committed in the ledger's database."""
        from harness.staging.store import Store  # numpy, which a command that only lists studies does not load

        return Store(self.stages, self.ledger)

    @property
    def stages(self) -> Path:
        """The folder of finished stages."""
        return self.store_folder or self.home / "store"

    def create(self) -> "Workspace":
        """Make the home and its tables if they are not there yet; return the workspace.

        Raises:
            HomeError: the home cannot be written.
        """
        self.ledger.create()
        return self

    def of_study(self, study: StudyRecord) -> "Workspace":
        """Return the workspace with the store that the study was run with, unless another was named."""
        if self.store_folder or not study.store:
            return self
        return replace(self, store_folder=Path(study.store))

    def report_folder(self, study: str) -> Path:
        """Return the folder of the study's report."""
        return self.home / "reports" / study
