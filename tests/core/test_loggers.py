import logging
import logging.config

import pytest

from harness.core.loggers import loggers_kept


def test_what_a_library_configures_is_put_back(caplog: pytest.LogCaptureFixture) -> None:
    logger, root = logging.getLogger("harness.test_loggers"), logging.getLogger()
    before = (list(root.handlers), root.level)

    with loggers_kept():
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": True, "root": {"level": "CRITICAL"}})
        root.handlers.clear()

    logger.warning("still heard")
    assert "still heard" in caplog.text
    assert (list(root.handlers), root.level) == before
