"""Loading a study from its file."""

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from pydantic import ValidationError

from harness.core.errors import SpecError
from harness.core.own_place import shown
from harness.core.spec import explain
from harness.search.load_fault import load_fault
from harness.search.study import Study
from harness.search.study_function import check_study_function
from harness.staging.ledger import StudyRecord
from harness.training.process_settings import process_settings_kept

__all__ = ["load_begun", "load_study"]


def load_study(path: Path) -> Study:
    """Return what the function `study` in the file at `path` returns.

    Raises:
        SpecError: the file has no such function, or fails, or returns something else; the message names the line.
    """
    path = path.absolute()  # as it is in a traceback
    module = ModuleType("")
    try:
        with process_settings_kept():
            module = _import(path)
            check_study_function(path, module)
            study = module.study()
    except (Exception, SystemExit) as error:  # noqa: BLE001  # the user's code may raise anything, and exit
        raise load_fault(path, module, error) from None
    if study is None:
        raise SpecError(f"expected `study()` in {shown(path)} to return a Study, found None; is there a `return`?")
    if not isinstance(study, Study):
        raise SpecError(f"expected `study()` in {shown(path)} to return a Study, found {type(study).__name__}")
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
    except UnicodeEncodeError as error:  # of an error's words
        raise SpecError(
            f"cannot read the study {record.name!r} as it was begun: expected texts that UTF-8 can write, "
            f"found {error.object!r}"
        ) from None


class _AsWritten(SourceFileLoader):
    """Compiles a file as it is: what Python keeps compiled is told apart by its size and by whole seconds alone."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the file."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _import(path: Path) -> ModuleType:
    name = f"study_{path.parent.name}".replace("-", "_")
    if path.suffix != ".py":
        raise SpecError("expected a Python file")
    spec = importlib.util.spec_from_file_location(name, path, loader=_AsWritten(name, str(path)))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # a class is found by its module's name when its source is hashed
    spec.loader.exec_module(module)
    return module
