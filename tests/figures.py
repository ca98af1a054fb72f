"""What campaigns count: printed as JSON, and written to the folder that HARNESS_FIGURES names, to be published."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "HARNESS_FIGURES"


def save_figures(name: str, figures: Mapping[str, object]) -> None:
    """Print the figures of a campaign as a line of JSON; write them to `name`.json as well, if a folder is named."""
    sys.stdout.write(json.dumps({"campaign": name, **figures}) + "\n")
    if folder := os.environ.get(VARIABLE):
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{name}.json").write_text(json.dumps({"campaign": name, **figures}, indent=2) + "\n")
