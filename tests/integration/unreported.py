"""The command `harness`, but no report is written when a study has ended: for tests of what trains."""

from harness.api import launch_study
from harness.cli import run
from harness.cli.main import main


def conclude(*_: object) -> None:
    """Write no report: drawing it takes longer than the few runs of a test."""


def unreport() -> None:
    """Let this process write no report at the end of a study."""
    vars(launch_study)["_reported"] = vars(run)["_show"] = conclude


if __name__ in ("__main__", "__mp_main__"):  # workers load this file as well
    unreport()
if __name__ == "__main__":
    main()
