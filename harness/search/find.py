"""Where studies lie. Nothing heavy is imported here, so that the command line can list them at once."""

import re
from collections.abc import Iterable
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
    found = _defining(files)
    return [path.parent if path.name == STUDY_FILE and path.parent != Path() else path for path in found]


def _defining(files: Iterable[Path]) -> list[Path]:
    """Return those of `files` that define `study()`."""
    return [path for path in sorted(files) if DEFINES_STUDY.search(path.read_text(errors="replace"))]


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
    if path.suffix == ".py":
        raise StudyNotFoundError(f"no such file {name!r}.{_others_beside(path)}")
    raise StudyNotFoundError(f"no study {name!r}.{_others(name)} A path of a study works as well.")


def _others_beside(path: Path) -> str:
    """Return the end of an error message: the studies in the folder in which there is no file at `path`."""
    from harness.core.explain import did_you_mean

    found = list(map(str, _defining(islice(path.parent.glob("*.py"), MOST_FILES))))
    return did_you_mean(str(path), found) if found else " No study lies beside it."


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
