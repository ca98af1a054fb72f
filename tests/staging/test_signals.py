from harness.staging.database import Database
from harness.staging.signals import save_signal, sent_signals


def test_a_signal_goes_to_one_run_or_to_all(database: Database) -> None:
    save_signal(database, "a-study", "grow")
    save_signal(database, "a-study", "stop", "abc")
    save_signal(database, "a-study", "stop", "abc")

    assert sent_signals(database, "a-study", "abc") == {"grow", "stop"}
    assert sent_signals(database, "a-study", "def") == {"grow"}
    assert sent_signals(database, "another", "abc") == frozenset()
