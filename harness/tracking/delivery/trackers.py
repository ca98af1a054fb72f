"""The trackers by their names: those of harness, and those of users, by the module or file of their class."""

import functools
import importlib
import importlib.util
import inspect
import sys
import zlib
from pathlib import Path
from types import ModuleType

from harness.core.errors import InputError
from harness.core.spec import did_you_mean
from harness.tracking._base import AbstractTracker
from harness.tracking.csv_files import CsvTracker
from harness.tracking.mlflow.tracker import MlflowTracker
from harness.tracking.tensorboard.tracker import TensorBoardTracker
from harness.tracking.wandb.tracker import WandbTracker

__all__ = ["NONE", "TRACKERS", "name_of_tracker", "tracker_of"]

TRACKERS: dict[str, type[AbstractTracker]] = {
    tracker.kind: tracker for tracker in (MlflowTracker, TensorBoardTracker, WandbTracker, CsvTracker)
}
NONE = "none"


def tracker_of(name: str) -> type[AbstractTracker]:
    """Return the tracker that `--tracker` names: a kind, `MODULE:CLASS` or `FILE.py:CLASS`.

    Raises:
        InputError: there is none of that name, or a package that it needs is not installed.
    """
    tracker = _own_tracker(name) if ":" in name else TRACKERS.get(name)
    if tracker is None:
        raise InputError(
            f"expected --tracker {', '.join(TRACKERS)}, {NONE}, MODULE:CLASS or FILE.py:CLASS; found {name!r}."
            f"{did_you_mean(name, [*TRACKERS, NONE])}"
        )
    if tracker.package and importlib.util.find_spec(tracker.package) is None:
        install = f"'harness[{name}]'" if name in TRACKERS else tracker.package
        raise InputError(f"expected {tracker.package} to be installed for --tracker {name}; pip install {install}")
    return tracker


def name_of_tracker(tracker: str | type[AbstractTracker]) -> str:
    """Return the name by which another process finds a tracker.

    Raises:
        InputError: no other process can import its class.
    """
    if isinstance(tracker, str):
        place, _, of_class = tracker.rpartition(":")
        return f"{Path(place).absolute()}:{of_class}" if place.endswith(".py") else tracker
    if tracker in TRACKERS.values():
        return tracker.kind
    try:
        file = Path(inspect.getfile(tracker)).absolute()
    except (OSError, TypeError):
        file = Path()
    if not file.is_file() or tracker.__qualname__ != tracker.__name__:
        raise InputError(
            f"expected a tracker that another process can import, found {tracker.__qualname__} of a notebook or a "
            "function; write it into a file"
        )
    is_alone = tracker.__module__ == "__main__" or "." not in tracker.__module__
    return f"{file if is_alone else tracker.__module__}:{tracker.__name__}"


def _own_tracker(name: str) -> type[AbstractTracker]:
    place, _, of_class = name.rpartition(":")
    try:
        module = _module_of_file(Path(place).absolute()) if place.endswith(".py") else importlib.import_module(place)
        found = getattr(module, of_class)
    except (Exception, SystemExit) as error:  # noqa: BLE001  # the user's code may raise anything, and exit
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(f"expected a class at --tracker {name}, found none ({said})") from None
    if not (isinstance(found, type) and issubclass(found, AbstractTracker)) or inspect.isabstract(found):
        raise InputError(
            f"expected a subclass of harness.tracking.AbstractTracker at --tracker {name}, found {found!r}"
        )
    if not all(isinstance(getattr(found, name, None), str) for name in ("kind", "title")):
        raise InputError(f"expected the class variables kind and title in the tracker {name}, found none")
    return found


@functools.cache
def _module_of_file(file: Path) -> ModuleType:
    name = f"harness_tracker_{file.stem}_{zlib.crc32(bytes(file)):08x}"  # other folders may have a file of this name
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"no Python file {file}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
