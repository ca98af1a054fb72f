"""The command `harness`, whose leases last seconds and which writes no report: for tests of processes that stop."""

from harness.cli.main import main
from harness.staging.leases import Leases
from tests.integration.unreported import unreport

DURATION_S = 3.0

if __name__ in ("__main__", "__mp_main__"):  # workers load this file as well
    unreport()
    Leases.__init__.__defaults__ = (None, DURATION_S)
if __name__ == "__main__":
    main()
