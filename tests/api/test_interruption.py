import os
import signal
import threading
from collections.abc import Iterator

import pytest

from harness.api.interruption import Interruption


@pytest.fixture
def handler_of_a_terminal() -> Iterator[None]:
    """Let Ctrl-C raise, as in a terminal; a shell has what it runs in the background ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("handler_of_a_terminal")
def test_it_asks_once_and_then_lets_signals_through(capsys: pytest.CaptureFixture[str]) -> None:
    with Interruption() as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)

    assert "stopping once what is done is stored" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_leaves_the_handlers_as_they_were() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with Interruption():
        assert signal.getsignal(signal.SIGTERM) != before

    assert signal.getsignal(signal.SIGTERM) == before


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    before, stopped = signal.getsignal(signal.SIGINT), list[bool]()

    def watch() -> None:
        with Interruption() as stop:
            stopped.append(stop())

    thread = threading.Thread(target=watch)
    thread.start()
    thread.join()

    assert stopped == [False]
    assert signal.getsignal(signal.SIGINT) is before
