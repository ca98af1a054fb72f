"""Several hosts on one machine that lose each other: links that are cut and mended, slow lines, hosts that are lost.

All share one disk, as hosts share a folder; of the network between them each has its own end. HARNESS_CUTS says how
many links are cut, HARNESS_CUTS_SEED which and for how long. The times that are asserted are those of the README.
"""

import json
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.staging.leases import DURATION_S
from tests.figures import save_figures
from tests.integration.hosts.database_host import PORT
from tests.integration.hosts.site import NOTHING_WRONG, ROOT, STARTED_S, Site, calm_numbers, site

CUTS = int(os.environ.get("HARNESS_CUTS", "6"))
SEED = int(os.environ.get("HARNESS_CUTS_SEED", "0"))
SHORT_S, LONG_S = (1.0, 20.0), (35.0, 50.0)  # a connection outlives the former, and is made anew after the latter
TAKEN_OVER_S = DURATION_S + 30
ENDED_S = 900.0  # all that is left of the study, on a machine that has other things to do
GIVEN_UP_S = 300.0
LOCKED_S = 75.0

HOLD = """
import time
from harness.staging.database import Database
with Database("{url}").transaction() as transaction:
    transaction.execute("UPDATE leases SET expires = expires")
    print("held", flush=True)
    time.sleep(3600)
"""

pytestmark = [pytest.mark.campaign, pytest.mark.slow, pytest.mark.postgres]


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> dict[object, object]:
    """Every number of the study, trained by one process that nothing disturbs."""
    return calm_numbers(tmp_path_factory.mktemp("calm"))


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Site]:
    """A launch host, two worker hosts and a database host."""
    with site(tmp_path) as opened:
        yield opened


def report(name: str, hosts: Site, calm: dict[object, object], **figures: object) -> None:
    """Write down what came of it; nothing may be lost, twice, stuck or different."""
    found = hosts.figures(calm)
    save_figures(f"hosts-{name}", {**found, **figures})
    assert found == NOTHING_WRONG, hosts.said()


def test_links_that_are_cut_and_mended_lose_nothing(hosts: Site, calm: dict[object, object]) -> None:
    draws, cut_s = random.Random(SEED), list[float]()
    hosts.begin("--workers", "2")
    for cut in range(CUTS):
        if hosts.ended:
            break
        host = draws.choice([hosts.launch, hosts.one, hosts.two, hosts.database.host])
        cut_s.append(draws.uniform(*(LONG_S if cut % 3 == 2 else SHORT_S)))
        hosts.network.cut(host, noticed=draws.random() < 0.5)
        time.sleep(cut_s[-1])
        hosts.network.heal(host)
        time.sleep(draws.uniform(0, 5))

    took_s = hosts.finish(hosts.launch, hosts.one, hosts.two, longest_s=ENDED_S)

    assert cut_s
    report(
        "cut", hosts, calm, cuts=len(cut_s), cut_s=round(sum(cut_s)), longest_cut_s=round(max(cut_s)), ended_s=took_s
    )


def test_of_hosts_that_are_lost_the_others_take_over_what_they_trained(hosts: Site, calm: dict[object, object]) -> None:
    hosts.begin()
    killed, alone = hosts.one, hosts.two
    hosts.wait_for(lambda: hosts.trains(killed) or hosts.trains(alone), STARTED_S)
    if not hosts.trains(killed):
        killed, alone = alone, killed
    killed.lose()
    hosts.network.cut(alone)
    lost = time.monotonic()

    taken_over_s = hosts.wait_for(lambda: not hosts.trains(killed) and not hosts.trains(alone), TAKEN_OVER_S)
    ended_s = taken_over_s + hosts.finish(hosts.launch, longest_s=ENDED_S)

    left = hosts.began[alone.name]
    hosts.wait_for(lambda: left.poll() is not None, max(GIVEN_UP_S - (time.monotonic() - lost), 1))
    said = hosts.log(alone).read_text()
    assert (left.returncode, "Traceback" in said) == (2, False), said
    given_up_s = time.monotonic() - lost
    report("lost", hosts, calm, taken_over_s=taken_over_s, ended_s=ended_s, given_up_s=given_up_s)


def test_without_its_launch_host_a_study_goes_on_to_its_end(hosts: Site, calm: dict[object, object]) -> None:
    hosts.begin("--workers", "2")
    hosts.wait_for(lambda: bool(hosts.leases()), STARTED_S)
    hosts.launch.lose()

    ended_s = hosts.finish(hosts.one, hosts.two, longest_s=ENDED_S)

    hosts.run(hosts.one)
    hosts.finish(hosts.one, longest_s=60)
    report("launch-lost", hosts, calm, ended_s=ended_s)


def test_a_database_host_that_loses_power_is_waited_for(hosts: Site, calm: dict[object, object]) -> None:
    hosts.begin()
    hosts.wait_for(lambda: bool(hosts.leases()), STARTED_S)
    hosts.database.lose()
    time.sleep(30)
    hosts.database.come_back()

    ended_s = hosts.finish(hosts.launch, hosts.one, hosts.two, longest_s=ENDED_S)

    report("database-power", hosts, calm, away_s=30, ended_s=ended_s)


def test_without_a_database_host_every_process_ends_in_a_line(hosts: Site) -> None:
    hosts.begin("--workers", "2")
    hosts.wait_for(lambda: bool(hosts.leases()), STARTED_S)
    hosts.database.lose()

    given_up_s = hosts.wait_for(lambda: hosts.ended, GIVEN_UP_S)

    assert [process.returncode for process in hosts.began.values()] == [2, 2, 2], hosts.said()
    assert "Traceback" not in hosts.said()
    save_figures("hosts-database-lost", {"given_up_s": given_up_s})


def test_slow_lines_that_break_or_fall_silent_lose_nothing(
    hosts: Site, calm: dict[object, object], tmp_path: Path
) -> None:
    orders, count = tmp_path / "orders.json", 0

    def order(**orders_now: float) -> None:
        (tmp_path / "new.json").write_text(json.dumps({"delay_s": 0.02, "break": count, **orders_now}))
        (tmp_path / "new.json").replace(orders)

    order()
    proxy = [sys.executable, Path(__file__).parent / "hosts" / "proxy.py", PORT + 1, PORT, orders]
    hosts.database.host.start(*map(str, proxy), folder=ROOT, log=tmp_path / "proxy.log", env={})
    hosts.storage = hosts.storage.replace(f":{PORT}", f":{PORT + 1}")
    hosts.begin()
    for count in range(1, 4):  # noqa: B007  # `order` reads it
        time.sleep(5)
        order()
    order(swallow=1)
    time.sleep(10)
    order()

    ended_s = hosts.finish(hosts.launch, hosts.one, hosts.two, longest_s=ENDED_S)

    report("slow", hosts, calm, delay_s=0.02, broken=3, silent_s=10, ended_s=ended_s)


def test_what_a_lost_host_has_locked_is_free_after_a_minute(hosts: Site) -> None:
    hosts.ledger.create()
    with hosts.ledger.database.transaction() as transaction:
        transaction.execute("INSERT INTO leases (name, owner, token, expires) VALUES ('a', 'b', 1, 0)")
    hosts.one.start(
        sys.executable,
        "-c",
        HOLD.format(url=hosts.storage),
        folder=ROOT,
        log=hosts.log(hosts.one),
        env={"PYTHONPATH": str(ROOT)},
    )
    hosts.wait_for(lambda: "held" in hosts.log(hosts.one).read_text(), 30)
    hosts.network.cut(hosts.one)
    cut = time.monotonic()

    with hosts.ledger.database.transaction() as transaction:
        transaction.execute("UPDATE leases SET expires = expires")

    locked_s = time.monotonic() - cut
    save_figures("hosts-locked", {"locked_s": locked_s})
    assert locked_s < LOCKED_S
