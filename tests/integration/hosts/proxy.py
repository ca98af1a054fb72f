"""A proxy between workers and their database, which delays what passes, breaks connections off, or swallows it all.

`python proxy.py PORT TO_PORT ORDERS`: it reads the file ORDERS, a line of JSON, ten times a second: `delay_s` of every
piece that passes, `swallow` for connections that stay open and pass nothing any more, and `break`, a number at whose
change all connections are broken off.
"""

import asyncio
import json
import sys
from pathlib import Path

LOOK_S = 0.1


class Proxy:
    """Passes connections on to a port of this host, as the orders say."""

    def __init__(self, to_port: int, orders: Path) -> None:
        self._to_port = to_port
        self._path = orders
        self._orders: dict[str, float] = {}
        self._open: set[asyncio.StreamWriter] = set()

    async def follow(self) -> None:
        """Read the orders again and again."""
        while True:
            orders = json.loads(self._path.read_text())
            if orders.get("break") != self._orders.get("break"):
                for writer in self._open:
                    writer.transport.abort()
            self._orders = orders
            await asyncio.sleep(LOOK_S)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on what both ends of a connection say."""
        there, back = await asyncio.open_connection("127.0.0.1", self._to_port)
        self._open |= {writer, back}
        await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
        self._open -= {writer, back}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        swallowed = False
        try:
            while piece := await reader.read(65536):
                await asyncio.sleep(self._orders.get("delay_s", 0))
                swallowed = swallowed or bool(self._orders.get("swallow"))
                if not swallowed:
                    writer.write(piece)
                    await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


async def main(port: int, to_port: int, orders: Path) -> None:
    """Serve for ever."""
    proxy = Proxy(to_port, orders)
    async with await asyncio.start_server(proxy.serve, "0.0.0.0", port):
        await proxy.follow()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
