"""TensorBoard over the files of a home."""

import sys
from pathlib import Path

from harness.core.errors import HomeError
from harness.tracking._base import UiSettings
from harness.tracking.ui_server import Program, UiServer, start_server

__all__ = ["start_ui"]

USUAL_PORT = 6006
MOST_POINTS = 1_000_000  # of a curve; TensorBoard calls 0 all of them, and then shows none


def start_ui(folder: Path, settings: UiSettings) -> UiServer:
    """Start TensorBoard over `folder`, on port 6006 if that is free, and return when it answers.

    Raises:
        InputError: nothing was shown there, or the port cannot be used.
        HarnessError: it did not start.
    """
    if not folder.is_dir():
        raise HomeError(
            f"expected TensorBoard's files in {folder}, found none; run a study with --tracker tensorboard, or deliver "
            "one by harness sync --tracker tensorboard, first"
        )
    command = [sys.executable, "-P", "-m", "tensorboard.main", "--logdir", str(folder)]
    command += ["--samples_per_plugin", f"scalars={MOST_POINTS}", "--reload_interval", "5"]
    program = Program("TensorBoard", command, folder, ".tensorboard.log", "/data/environment", USUAL_PORT, {})
    return start_server(program, settings.port, settings.host, settings.limit_s)
