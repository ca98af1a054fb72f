"""A process that takes turns with others: `python contend.py URL ROUNDS`."""

import sys
import time

from harness.staging.database import Database
from harness.staging.leases import Leases


def contend(url: str, rounds: int) -> None:
    """Count to `rounds` in a counter that no transaction protects, only the lease."""
    database = Database(url)
    leases, done = Leases(database), 0
    while done < rounds:
        with leases.hold("counter") as lease:
            if lease is None:
                continue
            with database.transaction() as transaction:
                ((value,),) = transaction.rows("SELECT trials FROM studies")
            time.sleep(0.001)
            with database.transaction() as transaction:
                transaction.execute("UPDATE studies SET trials = :value", {"value": value + 1})
            done += 1


if __name__ == "__main__":
    contend(sys.argv[1], int(sys.argv[2]))
