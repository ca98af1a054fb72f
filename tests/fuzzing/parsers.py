"""All that reads what somebody else may have written, by name."""

from tests.fuzzing.data_files import DATA_FILES
from tests.fuzzing.reports import REPORTS
from tests.fuzzing.specs import SPECS
from tests.fuzzing.stored import STORED

__all__ = ["PARSERS"]

PARSERS = {**DATA_FILES, **SPECS, **STORED, **REPORTS}
