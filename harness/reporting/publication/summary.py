"""A report's numbers for programs, `summary.json`."""

import math
from dataclasses import asdict
from typing import Any

from harness.reporting.analysis.pairing import Comparison
from harness.reporting.analysis.sampling_error import SamplingError
from harness.reporting.analysis.sensitivity import companions, detectable
from harness.reporting.context import ReportContext
from harness.reporting.publication.source_files import json_bytes
from harness.reporting.text.narrative import estimand

__all__ = ["summary_of"]

SUMMARY_VERSION = 1


def summary_of(context: ReportContext) -> bytes:
    """Return the verdict and what it rests on, as JSON."""
    return json_bytes(_finite(_summary(context)))


def _summary(context: ReportContext) -> dict[str, Any]:
    comparison, study = context.comparison, context.data.study
    return {
        "summary_version": SUMMARY_VERSION,
        "study": study.name,
        "question": study.spec.question,
        "verdict": asdict(context.verdict),
        "estimand": estimand(context.data, comparison, context.measure),
        "metric": context.measure.metric,
        "comparison": [comparison.first, comparison.second],
        "smallest_effect": context.smallest_effect,
        "difference": _difference(comparison),
        **({"test_set": _test_set(context.sampling_error)} if context.sampling_error else {}),
        "minimum_detectable_effect": detectable(comparison),
        "companions": [asdict(companion) for companion in companions(context.data.runs, comparison)],
        "hodges_lehmann": asdict(comparison.shift),
        "sensitive_to_outliers": comparison.sensitive,
        "seeds_by_configuration": dict(
            zip(
                (str(trial) for trial in comparison.configurations["trial"]),
                (int(seeds) for seeds in comparison.configurations["seeds"]),
                strict=True,
            )
        ),
        "runs": asdict(context.account),
        "integrity": {badge.name: badge.status for badge in context.badges},
    }


def _test_set(error: SamplingError) -> dict[str, Any]:
    content = asdict(error)
    # Reports that were written before there were means over classes do not say that theirs is none.
    return content if error.linear else {name: value for name, value in content.items() if name != "linear"}


def _difference(comparison: Comparison) -> dict[str, Any]:
    mean = comparison.mean
    numbers = {"mean": mean.mean, "sd": mean.sd, "units": mean.units}
    intervals = {"interval": mean.interval and asdict(mean.interval), "narrow": mean.narrow and asdict(mean.narrow)}
    tests = {"df": mean.df, "p": mean.p, "standardized": mean.standardized, "share_positive": comparison.share_positive}
    shared = {}
    if mean.layout:
        spread = mean.components
        shared = {"seeds": mean.layout.seeds, "variances": spread and asdict(spread)}
    return {**numbers, **intervals, **tests, **({"shared_seeds": shared} if shared else {})}


def _finite(content: Any) -> Any:
    """Replace what JSON cannot hold, a number that is not finite, by null."""
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
