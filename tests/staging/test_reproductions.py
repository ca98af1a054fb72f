import hashlib
import time
from collections.abc import Callable
from dataclasses import replace

from harness.core.history import History
from harness.staging.database import Database
from harness.staging.ledger import RunRecord
from harness.staging.reproductions import reproductions, save_reproduction

RUN = RunRecord("a-study", 3, "frozen", 1, "abc", {}, {}, "completed")


def history(value: float) -> History:
    found = History()
    found.record(1, {"train/loss/total": value})
    return found


def test_what_came_of_it_is_kept_in_order_each_time(database: Database) -> None:
    save_reproduction(database, RUN, history(0.5), "", "1234")
    save_reproduction(database, RUN, history(0.5), "step 1, train/loss/total: recorded 0.5, found 0.25", "")
    save_reproduction(database, replace(RUN, study="another"), history(0.5), "", "")

    found = reproductions(database, "a-study")

    assert [(one.trial, one.arm, one.seed, one.run_id) for one in found] == [(3, "frozen", 1, "abc")] * 2
    assert [(one.difference[:6], one.commit) for one in found] == [("", "1234"), ("step 1", "")]
    assert all(abs(one.at - time.time()) < 60 for one in found)


def test_it_is_of_the_history_that_it_was_compared_with(database: Database) -> None:
    save_reproduction(database, RUN, history(0.5), "", "")
    save_reproduction(database, RUN, history(0.25), "", "")

    digests = [one.history_sha256 for one in reproductions(database, "a-study")]

    assert digests == [hashlib.sha256(history(value).to_bytes()).hexdigest() for value in (0.5, 0.25)]


def test_a_ledger_of_an_earlier_version_has_none_until_one_is_recorded(
    database_without: Callable[[str], Database],
) -> None:
    database = database_without("reproductions")

    before = reproductions(database, "a-study")
    save_reproduction(database, RUN, history(0.5), "", "")

    assert (before, len(reproductions(database, "a-study"))) == ([], 1)
