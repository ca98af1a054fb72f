from pathlib import Path

import pytest

from harness.core.errors import HarnessError
from harness.tracking.delivery.lock import delivery_lock


def test_one_process_at_a_time_delivers_a_study_to_one_destination(tmp_path: Path) -> None:
    with (
        delivery_lock(tmp_path, "study", "http://here"),
        delivery_lock(tmp_path, "study", "http://there"),
        pytest.raises(HarnessError, match="delivered by another process"),
        delivery_lock(tmp_path, "study", "http://here", timeout_s=0.1),
    ):
        raise AssertionError

    with delivery_lock(tmp_path, "study", "http://here", timeout_s=0.1):
        pass
