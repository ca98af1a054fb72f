from harness.tracking.delivery.undelivered import Undelivered


def test_it_is_falsy_exactly_if_there_is_no_reason() -> None:
    assert not Undelivered()
    assert Undelivered(reason="no answer")
