"""The digest that the record of a run carries: over its results, which reports hold, and over the rest.

A bit that flips in a database, or an edit that does not know of the digest, is found by whoever reads it. An edit that
does is told from the record only by a digest that lies elsewhere, such as the root in a report that was published.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["DIGEST", "joined_digest", "record_digest", "rest_digest", "results_digest", "root_of"]

DIGEST = "sha256"  # the digest's key in a record's JSON
RESULTS = ("study", "trial", "arm", "seed", "run_id", "status", "reason", "params", "config", "metrics")


def record_digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 over a run's record as JSON."""
    return joined_digest(results_digest(content), rest_digest(content))


def results_digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 over what a report holds of a run, to the last bit of every number.

    A metric that is NaN counts as one that is not there, as in a table; so does the order of names.
    """
    metrics = {name: float(value).hex() for name, value in content["metrics"].items() if value == value}
    results = {
        **{name: content[name] for name in RESULTS},
        "reason": content["reason"].encode(errors="backslashreplace").decode(),
        "params": sorted(content["params"].items()),
        "metrics": sorted(metrics.items()),
    }
    return _digest(list(results.values()))


def rest_digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 over everything else in a record, its own digest left out."""
    return _digest(sorted((name, value) for name, value in content.items() if name not in (*RESULTS, DIGEST)))


def joined_digest(results: str, rest: str) -> str:
    """Return a record's digest from those of its two parts."""
    return _digest([results, rest])


def root_of(digests: Iterable[tuple[int, str, int, str]]) -> str:
    """Return the SHA-256 over the digests of a study's records, each with trial, arm and seed, in any order."""
    return _digest(sorted(map(list, digests)))


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()
