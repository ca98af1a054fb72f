"""The data of curves as one frame."""

from collections.abc import Mapping

import pandas as pd

__all__ = ["long_form", "long_form_of_means"]

COLUMNS = ("series", "shown", "arm", "trial", "grown", "offset", "value", "low", "high", "units")


def long_form(series: Mapping[str, tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]]) -> pd.DataFrame:
    """Return everything drawn as one frame: what a line shows is in `shown`, whose line it is in `arm` and `trial`."""
    parts = [
        frame.assign(series=name, shown=shown)
        for name, frames in series.items()
        for shown, frame in zip(("configuration", "mean", "paired difference"), frames, strict=True)
        if len(frame)
    ]
    joined = pd.concat(parts, ignore_index=True)
    return joined[[name for name in COLUMNS if name in joined]]


def long_form_of_means(means: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the means of several series, where nothing but them is drawn, as one frame."""
    return long_form({name: (pd.DataFrame(), mean, pd.DataFrame()) for name, mean in means.items()})
