"""Loading a study from its file."""

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from pydantic import ValidationError

from harness.core.errors import HarnessError, SpecError
from harness.core.spec import explain
from harness.search.study import Study
from harness.staging.ledger import StudyRecord
from harness.training.process_settings import process_settings_kept

__all__ = ["load_begun", "load_study"]


def load_study(path: Path) -> Study:
    """Return what the function `study` in the file at `path` returns.

    Raises:
        SpecError: the file has no such function, or fails, or returns something else; the message names the line.
    """
    path = path.absolute()  # as it is in a traceback
    try:
        with process_settings_kept():
            module = _import(path)
            if not callable(getattr(module, "study", None)):
                raise SpecError("expected a function `study() -> Study`, found none")
            study = module.study()
    except HarnessError as error:
        raise SpecError(f"{path}: {error}") from None
    except ValidationError as error:
        raise SpecError(f"{path}: {explain(error)}") from None
    except SyntaxError as error:
        raise SpecError(
            f"cannot load {error.filename}, line {error.lineno}: {type(error).__name__}: {error.msg}"
        ) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001  # the user's code may raise anything, and exit
        line = next(
            (f.lineno for f in reversed(traceback.extract_tb(error.__traceback__)) if f.filename == str(path)),
            0,
        )
        raise SpecError(
            f"cannot load {path}, line {line}: {type(error).__name__}: {' '.join(str(error).split())}"
        ) from None
    if not isinstance(study, Study):
        raise SpecError(f"expected `study()` in {path} to return a Study, found {type(study).__name__}")
    return study


def load_begun(record: StudyRecord) -> Study:
    """Return a study as it was begun, with the classes that its file defines if it is still there.

    Raises:
        SpecError: it needs classes that are not there any more.
    """
    if record.file and Path(record.file).is_file():
        load_study(Path(record.file))
    try:
        return Study.model_validate(record.spec)
    except ValidationError as error:
        raise SpecError(f"cannot read the study {record.name!r} as it was begun: {explain(error)}") from None


def _import(path: Path) -> ModuleType:
    name = f"study_{path.parent.name}".replace("-", "_")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SpecError("expected a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # a class is found by its module's name when its source is hashed
    spec.loader.exec_module(module)
    return module
