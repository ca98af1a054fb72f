"""Where studies lie. Nothing heavy is imported here, so that the command line can list them at once."""

from pathlib import Path

from harness.core.errors import StudyNotFoundError

__all__ = ["STUDY_FILE", "find_study", "study_folders"]

STUDY_FILE = "study.py"


def study_folders() -> dict[str, Path]:
    """Return the folders with a study, by name: those under `studies/` here, else those beside this package."""
    for root in (Path("studies"), Path(__file__).parents[2] / "studies"):
        if folders := {path.parent.name: path.parent for path in sorted(root.glob(f"*/{STUDY_FILE}"))}:
            return folders
    return {}


def find_study(name: str) -> Path:
    """Return the file of the study called `name`, or at the path `name` (a folder or a file).

    Raises:
        StudyNotFoundError: there is none.
    """
    path = Path(name)
    if path.is_file():
        return path
    if (path / STUDY_FILE).is_file():
        return path / STUDY_FILE
    folders = study_folders()
    if name in folders:
        return folders[name] / STUDY_FILE
    from harness.core.spec import did_you_mean

    raise StudyNotFoundError(f"no study {name!r}.{did_you_mean(name, folders)} A path of a study works as well.")
