import subprocess
from collections.abc import Callable

Call = Callable[..., subprocess.CompletedProcess[str]]


def test_the_studies_that_ship_are_listed_with_what_they_need(call: Call) -> None:
    ended = call("examples")

    rows = [line for line in ended.stdout.splitlines() if line.startswith("late-intents")]
    assert ended.returncode == 0
    assert rows == [
        "late-intents               Late intents                           downloads 1 MB, needs harness[minilm]"
    ]
    assert "harness new MINE --from NAME" in ended.stdout
