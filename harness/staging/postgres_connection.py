"""Connections to PostgreSQL that notice when the other end is gone, of which a network says nothing by itself.

To SQLAlchemy this module is psycopg with another `connect`. By itself, TCP tries for a quarter of an hour to send what
is not acknowledged, and waits for two hours or for ever while nothing is sent; a server keeps what a lost client has
locked for as long.
"""

import sys
import time
from collections.abc import Generator
from typing import Any, TypeVar, final

import psycopg
from sqlalchemy import URL

__all__ = ["SILENT_S", "Connection", "connect", "engine_arguments"]

T = TypeVar("T")

SILENT_S = 120.0  # in a statement; a server may be there and be silent: one behind a proxy, or one that was stopped
CLIENT = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,  # milliseconds
}
# The same at the server's end, and no lock is held by a client that was stopped in the middle of a transaction.
SERVER = (
    "-c tcp_keepalives_idle=10",
    "-c tcp_keepalives_interval=5",
    "-c tcp_keepalives_count=4",
    "-c tcp_user_timeout=30000",
    "-c idle_in_transaction_session_timeout=60000",
)


class _SilentError(psycopg.OperationalError):
    """A server said nothing for too long."""


@final
class Connection(psycopg.Connection):
    """A connection that ends when the server says nothing for long in a statement."""

    def wait(self, generator: Generator[Any, Any, T], *interval: Any, **settings: Any) -> T:
        """Do what psycopg does for a statement.

        Raises:
            psycopg.OperationalError: nothing was heard for `SILENT_S`.
        """
        try:
            result: T = super().wait(_heard(generator), *interval, **settings)
        except _SilentError:
            self.pgconn.finish()
            raise
        return result


def _heard(generator: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
    """Wait as `generator` does, to which psycopg sends nothing when it has waited for a moment in vain."""
    try:
        wanted, heard = next(generator), time.monotonic()
        while True:
            if ready := (yield wanted):
                heard = time.monotonic()
            elif time.monotonic() - heard > SILENT_S:
                raise _SilentError(f"the server said nothing for {SILENT_S:.0f} s")
            wanted = generator.send(ready)
    except StopIteration as end:
        result: T = end.value
        return result


connect = Connection.connect


def engine_arguments(url: URL, *options: str) -> dict[str, Any]:
    """Return the arguments of `create_engine`; `options` are those of a session, and settings in `url` count more."""
    own = {name: value for name, value in CLIENT.items() if name not in url.query}
    session = " ".join([*SERVER, str(url.query.get("options", "")), *options]).strip()
    return {"module": sys.modules[__name__], "connect_args": {**own, "options": session}}


def __getattr__(name: str) -> Any:
    return getattr(psycopg, name)
