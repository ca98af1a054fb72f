"""Where studies lie. Nothing heavy is imported here, so that the command line can list them at once."""

import re
from itertools import chain, islice
from pathlib import Path

from harness.core.errors import StudyNotFoundError

__all__ = ["STUDY_FILE", "find_study", "likely_studies", "own_studies", "shipped_studies", "study_folders"]

STUDY_FILE = "study.py"
PACKAGE = Path(__file__).parents[1]
SHIPPED = (PACKAGE / "studies", PACKAGE.parent / "studies")  # in a wheel, in a checkout
DEFINES_STUDY = re.compile(r"^def study\(", re.MULTILINE)
MOST_FILES = 200  # that are looked into, of a folder that may be anyone's


def own_studies() -> dict[str, Path]:
    """Return the folders with a study under `studies/` here, by name."""
    return _folders_in(Path("studies"))


def shipped_studies() -> dict[str, Path]:
    """Return the folders with a study that came with this package, by name."""
    return next(filter(None, map(_folders_in, SHIPPED)), {})


def study_folders() -> dict[str, Path]:
    """Return all folders with a study, by name; one under `studies/` here hides one that came with the package."""
    return {**shipped_studies(), **own_studies()}


def likely_studies() -> list[Path]:
    """Return what looks like a study but does not lie under `studies/`: folders, or files that define `study()`."""
    files = islice(chain(Path().glob("*.py"), Path().glob("[!.]*/*.py")), MOST_FILES)
    found = [path for path in sorted(files) if DEFINES_STUDY.search(path.read_text(errors="replace"))]
    return [path.parent if path.name == STUDY_FILE and path.parent != Path() else path for path in found]


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
    raise StudyNotFoundError(f"no study {name!r}.{_others(name)} A path of a study works as well.")


def _others(name: str) -> str:
    """Return the end of an error message: the likely name, what is here, and where more can be had."""
    from harness.core.explain import close_match, did_you_mean

    own, shipped, likely = own_studies(), shipped_studies(), likely_studies()
    if own:
        elsewhere = "" if close_match(name, own) else close_match(name, shipped)
        return f"{elsewhere}{did_you_mean(name, own)}"
    if likely:
        return f" There are none under studies/, but {likely[0]} looks like one."
    more = "harness examples lists those that come with harness, harness new NAME makes one."
    return f"{close_match(name, shipped)} There are none under studies/; {more}"


def _folders_in(root: Path) -> dict[str, Path]:
    return {path.parent.name: path.parent for path in sorted(root.glob(f"*/{STUDY_FILE}"))}
