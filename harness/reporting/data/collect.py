"""From the ledger and the stored histories to tidy frames."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from harness.core.answers import Answers
from harness.core.digest import canonical_json
from harness.core.history import History
from harness.reporting.data.answers import answer_frames
from harness.reporting.data.columns import (
    ABSENT,
    DIFFERS,
    FIXED,
    FROZEN_AFTER,
    FROZEN_BEFORE,
    MACHINE,
    PARAM,
    REPRODUCED,
    SAME,
    SPEC_DIGEST,
    TEST_SET_ACCESSES,
    TRUNK_FLOPS,
    TRUNK_SECONDS,
    column_of,
)
from harness.reporting.data.curve_frame import Segment, curve_digests, curve_frame, segments_of
from harness.reporting.data.ledger_account import LedgerAccount, alike, record_columns, root_of_runs
from harness.reporting.data.study_data import StudyData
from harness.staging.catalog import Catalog, StageEntry
from harness.staging.code_digests import changed_code
from harness.staging.frozen import frozen_digests
from harness.staging.histories import read_answers, run_history
from harness.staging.ledger import Ledger, RunRecord, StageAddress, StudyOrigin, StudyRecord
from harness.staging.ledger_check import check_records
from harness.staging.not_begun import not_begun
from harness.staging.previous_specs import previous_specs
from harness.staging.registration import registration_of
from harness.staging.reproductions import Reproduction, reproductions
from harness.staging.workspace import Workspace

__all__ = ["assembled", "collect"]

NOTHING_KNOWN = LedgerAccount("")


def collect(workspace: Workspace, study: str) -> StudyData:
    """Read everything that the report on a study needs.

    Raises:
        StudyNotFoundError: no study of that name was begun in this home.
    """
    ledger = workspace.ledger
    record = ledger.study(study) if ledger.exists else None
    if record is None:
        begun = [known.name for known in ledger.studies()] if ledger.exists else []
        raise not_begun(study, workspace.home, begun)
    digests = check_records(ledger.database, study)
    runs = ledger.runs(study)
    folder = workspace.of_study(record).stages
    histories = _histories(folder, runs)
    return assembled(
        record,
        runs,
        histories,
        stored={entry.address: entry for entry in Catalog(ledger.database).stages()},
        recorded=_recorded(ledger, folder, study, runs),
        reproductions=reproductions(ledger.database, study),
        origin=ledger.origin(study),
        earlier=previous_specs(ledger.database, study),
        account=LedgerAccount(
            "",
            sum(not digest for digest in digests.values()),
            alike(record.spec, ledger.studies()),
            registration_of(ledger.database, study),
            changed_code(ledger.database, study),
        ),
        answers=_answers(folder, runs),
    )


def assembled(
    record: StudyRecord,
    runs: Sequence[RunRecord],
    histories: Mapping[str, Sequence[History]],
    *,
    origin: StudyOrigin,
    recorded: Mapping[str, Sequence[Any]],
    stored: Mapping[StageAddress, StageEntry] = MappingProxyType({}),
    reproductions: Sequence[Reproduction] = (),
    earlier: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    account: LedgerAccount = NOTHING_KNOWN,
    answers: Mapping[str, Answers] = MappingProxyType({}),
) -> StudyData:
    """Return the data of a study as frames.

    Args:
        record: the study.
        runs: those that have ended.
        histories: by run id, the history of each stage; a run whose histories are lost is not there.
        origin: how the study was called.
        recorded: further columns of the runs, by name.
        stored: what the catalog knows of stages.
        reproductions: how runs came out that were trained again.
        earlier: by digest, the forms that the study's spec had before it gained fields.
        account: of the ledger, but for its root.
        answers: to the test examples, by state, as in `AnswerFrames`.
    """
    segments: list[Segment] = []
    for run in runs:
        if run.run_id in histories:
            place = (run.run_id, run.trial, run.arm, run.seed)
            segments += segments_of(place, histories[run.run_id], _first_growth(run, "step"))
    curves = curve_frame(segments)
    digests = {run_id: _digest(stages) for run_id, stages in histories.items()}
    frame = _runs_frame(runs, list(record.spec.space)).assign(
        history_sha256=[digests.get(run.run_id, "") for run in runs],
        curves_sha256=pd.Series(curve_digests(curves)).reindex([run.run_id for run in runs], fill_value="").tolist(),
        final_sha256=[
            stored[run.stages[-1]].snapshot_sha256 if run.stages and run.stages[-1] in stored else "" for run in runs
        ],
        **{TRUNK_SECONDS: [_to_growth(stored, run) for run in runs]},
        **_counted(runs),
        config=[canonical_json(run.config) for run in runs],
        **recorded,
        **record_columns(runs),
        **{REPRODUCED: _reproduced(reproductions, runs, digests)},
    )
    begun = {run.spec_digest for run in runs}
    lost = tuple(run.run_id for run in runs if run.run_id not in histories)
    forms = tuple(spec for digest, spec in earlier.items() if digest in begun)
    kept = answer_frames(answers, record.spec.metric, record.spec.metrics)
    whole = replace(account, root=root_of_runs(frame))
    return StudyData(record, frame, curves, lost, origin, forms, kept, ledger=whole)


def _histories(folder: Path, runs: Sequence[RunRecord]) -> dict[str, list[History]]:
    """Return the history of every stage by run id, without the runs of which any is lost."""
    histories = {}
    for run in runs:
        with suppress(FileNotFoundError):
            histories[run.run_id] = [run_history(folder, (address,), test=run.opened_test) for address in run.stages]
    return histories


def _answers(folder: Path, runs: Sequence[RunRecord]) -> dict[str, Answers]:
    """Return the answers to the test examples at the end of each run that saw them, and before its first growth."""
    places = {run.run_id: run.stages[-1] for run in runs if run.opened_test and run.stages}
    places |= {_fork(run): run.stages[0] for run in runs if run.opened_test and _fork(run)}
    found = {state: read_answers(folder, address) for state, address in places.items()}
    return {state: answers for state, answers in found.items() if answers is not None}


def _recorded(ledger: Ledger, store: Path, study: str, runs: Sequence[RunRecord]) -> dict[str, list[Any]]:
    """Return what integrity is judged by, by column; without openings if those of some run are not known."""
    frozen = [frozen_digests(store, run.stages) for run in runs]
    found: dict[str, list[Any]] = {
        FROZEN_BEFORE: [digests.before for digests in frozen],
        FROZEN_AFTER: [digests.after for digests in frozen],
    }
    openings = Counter((opening.trial, opening.arm, opening.seed) for opening in ledger.test_set_accesses(study))
    if all(openings[run.key] for run in runs if run.opened_test):
        found[TEST_SET_ACCESSES] = [openings[run.key] for run in runs]
    if any(run.machine for run in runs):
        found[MACHINE] = [canonical_json(run.machine) for run in runs]
    if all(run.spec_digest for run in runs):
        found[SPEC_DIGEST] = [run.spec_digest for run in runs]
    return found


def _reproduced(
    reproductions: Sequence[Reproduction], runs: Sequence[RunRecord], digests: Mapping[str, str]
) -> list[str]:
    """Say of each run whether it was trained again, and came out with the history that it has now."""
    again = [one for one in reproductions if digests.get(one.run_id) == one.history_sha256]
    outcomes = {one.run_id: SAME for one in again} | {one.run_id: DIFFERS for one in again if one.difference}
    return [outcomes.get(run.run_id, "") for run in runs]


def _runs_frame(runs: Sequence[RunRecord], labels: list[str]) -> pd.DataFrame:
    metrics = sorted({name for run in runs for name in run.metrics})
    rows = [
        [
            *(run.trial, run.arm, run.seed, run.run_id, run.status, _encodable(run.reason), _fork(run)),
            *(_first_growth(run, "step"), _first_growth(run, "parameters_added")),
            *(run.params.get(label, ABSENT) for label in labels),
            *(float(run.metrics.get(name, np.nan)) for name in metrics),
        ]
        for run in runs
    ]
    params = [PARAM + label for label in labels]
    frame = pd.DataFrame(rows, columns=[*FIXED, *params, *metrics])
    return frame.assign(**{PARAM + name: column_of([run.params.get(name, ABSENT) for run in runs]) for name in labels})


def _encodable(reason: str) -> str:
    """Return the words of an error, which may hold what no file can: half of a surrogate pair."""
    return reason.encode(errors="backslashreplace").decode()


def _to_growth(stored: Mapping[StageAddress, StageEntry], run: RunRecord) -> float:
    """Return the seconds that training took before the first growth; NaN without one, or where that is not known."""
    first = stored.get(run.stages[0]) if len(run.stages) > 1 else None
    return first.seconds if first else np.nan


def _counted(runs: Sequence[RunRecord]) -> dict[str, list[float]]:
    """Return the operations of training until the first growth, if those of any run were counted."""
    flops = [_first_growth(run, "flops_before") for run in runs]
    return {TRUNK_FLOPS: flops} if np.isfinite(flops).any() else {}


def _fork(run: RunRecord) -> str:
    return f"{run.stages[0].key}@{run.stages[0].step}" if len(run.stages) > 1 else ""


def _first_growth(run: RunRecord, what: str) -> float:
    return float(run.growths[0].get(what, np.nan)) if run.growths else np.nan


def _digest(stages: Sequence[History]) -> str:
    whole = History()
    for part in stages:
        whole = whole.then(part)
    return hashlib.sha256(whole.to_bytes()).hexdigest()
