from harness.api.exporting.export_run import export as export
from harness.api.network_folder import load_network as load_network
from harness.api.network_folder import load_preprocessing as load_preprocessing
from harness.api.opening import Studies as Studies
from harness.api.opening import open as open
from harness.api.opening import open_report as open_report
from harness.api.running import run as run
from harness.reporting.results.study_results import StudyResults as StudyResults
from harness.search.observer import Observer as Observer
from harness.search.study import Study as Study

__all__ = [
    "Observer",
    "Studies",
    "Study",
    "StudyResults",
    "export",
    "load_network",
    "load_preprocessing",
    "open",
    "open_report",
    "run",
]
__version__: str
