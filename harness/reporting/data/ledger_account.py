"""What a report says of the ledger that its runs come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.core.digest import canonical_json
from harness.reporting.data.columns import RECORD, RECORD_REST, RUN
from harness.staging.ledger import RunRecord, StudyRecord
from harness.staging.record_digest import joined_digest, record_digest, rest_digest, results_digest, root_of
from harness.staging.registration import Registration
from harness.staging.study_spec import StudySpec

__all__ = ["LedgerAccount", "alike", "changed_records", "record_columns", "root_of_runs"]


@dataclass(frozen=True)
class LedgerAccount:
    """The ledger when the report was written.

    Attributes:
        root: SHA-256 over the digests of all records of the study's runs.
        without_digest: how many of them were saved by a version that gave them none.
        alike: how many studies of the same task, network and arms the home holds, this one among them.
        registration: what the study said of itself before its first run; None if it was not registered.
        changed_code: kinds of the author's own classes whose code changed when some runs had completed.
    """

    root: str
    without_digest: int = 0
    alike: int = 1
    registration: Registration | None = None
    changed_code: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the account as plain JSON."""
        registered = {"registration": vars(self.registration)} if self.registration else {}
        return {
            "records_sha256": self.root,
            "records_without_digest": self.without_digest,
            "studies_alike": self.alike,
            **registered,
            **({"changed_code": list(self.changed_code)} if self.changed_code else {}),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "LedgerAccount":
        """Read what `to_json` wrote."""
        registration = content.get("registration")
        return cls(
            str(content["records_sha256"]),
            int(content["records_without_digest"]),
            int(content["studies_alike"]),
            Registration(**registration) if registration else None,
            tuple(map(str, content.get("changed_code", ()))),
        )


def alike(spec: StudySpec, studies: Sequence[StudyRecord]) -> int:
    """Count the studies of the same task, network and arms as `spec`, whatever their names."""
    return sum(_kind(study.spec) == _kind(spec) for study in studies)


def _kind(spec: StudySpec) -> str:
    return canonical_json([spec.task, spec.base.get("model"), sorted(spec.arms.items())])


def record_columns(runs: Sequence[RunRecord]) -> dict[str, list[str]]:
    """Return the digests of the records of runs, by column: whole, and of what a report does not hold."""
    contents = [run.to_json() for run in runs]
    return {RECORD: [record_digest(one) for one in contents], RECORD_REST: [rest_digest(one) for one in contents]}


def root_of_runs(runs: pd.DataFrame) -> str:
    """Return the root over the records of a report's runs, which must have the columns of `record_columns`."""
    rows = zip(*(runs[name].tolist() for name in (*RUN, RECORD)), strict=True)
    return root_of((int(trial), str(arm), int(seed), str(digest)) for trial, arm, seed, digest in rows)


def changed_records(runs: Sequence[RunRecord], frame: pd.DataFrame) -> list[int]:
    """Return the places of the rows of `frame` whose runs, read back as `runs`, are not those of their digests."""
    digests = zip(frame[RECORD], frame[RECORD_REST], strict=True)
    return [
        place
        for place, (run, (record, rest)) in enumerate(zip(runs, digests, strict=True))
        if joined_digest(results_digest(run.to_json()), rest) != record
    ]
