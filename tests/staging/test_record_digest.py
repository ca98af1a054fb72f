import json
from dataclasses import replace
from typing import Any

import pytest

from harness.staging.ledger import RunRecord, StageAddress
from harness.staging.record_digest import (
    DIGEST,
    joined_digest,
    record_digest,
    rest_digest,
    results_digest,
    root_of,
)

RUN = RunRecord(
    study="a-study",
    trial=0,
    arm="frozen",
    seed=1,
    run_id="abc",
    params={"when": 3, "taps": ("a", "b")},
    config={"steps": 4},
    status="completed",
    stages=(StageAddress("k", 2),),
    growths=({"step": 2},),
    metrics={"test/accuracy/all": 0.1 + 0.2, "cost/steps": 4.0},
)
CHANGES: list[dict[str, Any]] = [
    {"metrics": {"test/accuracy/all": 0.3, "cost/steps": 4.0}},
    {"metrics": {"test/accuracy/all": 0.1 + 0.2, "cost/steps": 4.0, "x/y": 0.0}},
    {"params": {"when": 4, "taps": ("a", "b")}},
    {"config": {"steps": 5}},
    {"status": "failed"},
    {"reason": "diverged"},
    {"seed": 2},
    {"arm": "unfrozen"},
    {"stages": (StageAddress("k", 3),)},
    {"growths": ({"step": 3},)},
    {"commit": "c"},
    {"spec_digest": "d"},
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_field_is_in_the_digest(change: dict[str, Any]) -> None:
    assert record_digest(replace(RUN, **change).to_json()) != record_digest(RUN.to_json())


def test_what_is_read_back_has_the_same_digest() -> None:
    read = RunRecord.from_json(json.loads(json.dumps({**RUN.to_json(), DIGEST: "ab"})))

    assert record_digest(read.to_json()) == record_digest(RUN.to_json())


def test_results_are_told_from_the_rest() -> None:
    content, other = RUN.to_json(), replace(RUN, commit="c").to_json()

    assert results_digest(content) == results_digest(other)
    assert rest_digest(content) != rest_digest(other)
    assert joined_digest(results_digest(content), rest_digest(content)) == record_digest(content)


def test_a_metric_that_is_nan_is_none_and_half_a_sign_is_escaped() -> None:
    odd = replace(RUN, metrics={**RUN.metrics, "val/late": float("nan")}, reason="\ud800")

    assert results_digest(odd.to_json()) == results_digest(replace(RUN, reason="\\ud800").to_json())


def test_the_root_does_not_depend_on_the_order() -> None:
    digests = [(0, "a", 0, "x"), (1, "a", 0, "y")]

    assert root_of(digests) == root_of(reversed(digests)) != root_of(digests[:1])
