"""Whether a report's runs were trained with pinned instruction sets."""

import json

import pandas as pd

from harness.reporting.data.columns import MACHINE

__all__ = ["were_pinned"]


def were_pinned(runs: pd.DataFrame) -> bool:
    """Return whether they were; what the first did, if some were and others were not."""
    recorded = [json.loads(text) for text in runs[MACHINE] if isinstance(text, str)] if MACHINE in runs else []
    return bool(recorded and recorded[0].get("pinned"))
