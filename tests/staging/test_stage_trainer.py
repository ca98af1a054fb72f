import json

import pytest

from harness.core.errors import KilledError
from harness.core.spec import with_changes
from harness.staging.leases import Leases
from harness.staging.process_identity import process_identity
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.stage_key import first_key
from harness.staging.stage_trainer import MAX_DEATHS

HERE, *_ = json.loads(process_identity())


@pytest.mark.parametrize("deaths", range(MAX_DEATHS + 1))
def test_a_stage_is_given_up_when_so_many_died_in_it(runner: Runner, digits_run: RunConfig, deaths: int) -> None:
    short = with_changes(digits_run, {"steps": 1, "growths": []})
    for number in range(deaths):
        gone = json.dumps([HERE, "an earlier boot", number, "tick 1"])
        dead = Leases(runner.store.ledger.database, gone)
        assert dead._acquire(first_key(short)) is not None

    if deaths < MAX_DEATHS:
        assert runner.run(short).stages[-1].step == 1
        with Leases(runner.store.ledger.database).hold(first_key(short)) as lease:
            assert lease is not None
            assert lease.deaths == 0
    else:
        with pytest.raises(KilledError, match=f"{deaths} processes died in the stage that begins at step 0"):
            runner.run(short)
