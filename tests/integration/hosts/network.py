"""Hosts on one machine: each has a network, a name, a boot and processes of its own, and a link to a switch.

A host is the first process of its namespaces: what ends that kills all that runs on the host, at once. It ends with
the process that tests, too.
"""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import final

import psutil
import pytest

__all__ = ["Host", "Network", "network"]

PREFIX = "10.77.0"
NAMESPACES = ("--net", "--uts", "--pid", "--mount")
OWN = ("--fork", "--kill-child", "--mount-proc")
FIRST_PROCESS = """
import socket, subprocess, sys
socket.sethostname(sys.argv[1])
subprocess.run(["mount", "--bind", sys.argv[2], "/proc/sys/kernel/random/boot_id"], check=True)
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
print("up", flush=True)
sys.stdin.read()
"""


@final
class Host:
    """A host of its own name and address, which ends with the process that tests."""

    def __init__(self, name: str, address: str, folder: Path) -> None:
        self.name = name
        self.address = address
        boot = folder / f"{name}.boot"
        boot.write_text(f"{uuid.uuid4()}\n")
        self._outer = subprocess.Popen(
            ["unshare", *NAMESPACES, *OWN, sys.executable, "-c", FIRST_PROCESS, name, str(boot)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._begun: list[subprocess.Popen[bytes]] = []
        assert self._outer.stdout is not None
        assert self._outer.stdout.readline() == b"up\n"
        (first,) = psutil.Process(self._outer.pid).children()
        self.pid = first.pid

    def run(self, *command: str | Path, check: bool = True) -> None:
        """Run a command on the host."""
        subprocess.run([*self._enter(), *map(str, command)], check=check, stdout=subprocess.DEVNULL, cwd="/")

    def start(self, *command: str | Path, folder: Path, log: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Begin a command on the host, which may last; what it says goes to `log`."""
        whole = [*self._enter(), "env", f"--chdir={folder}", *map(str, command)]
        with log.open("ab") as said:
            process = subprocess.Popen(whole, env=os.environ | env, stdout=said, stderr=subprocess.STDOUT)
        self._begun.append(process)
        return process

    def lose(self) -> None:
        """Kill everything on the host, whose link goes as well."""
        if self._outer.poll() is None:
            psutil.Process(self.pid).kill()
        for process in (self._outer, *self._begun):
            process.wait()
        for pipe in filter(None, (self._outer.stdin, self._outer.stdout)):
            pipe.close()

    def _enter(self) -> list[str]:
        return ["nsenter", f"--target={self.pid}", *NAMESPACES]


@final
class Network:
    """A switch, and the hosts that are linked to it."""

    def __init__(self, folder: Path) -> None:
        self.hosts: list[Host] = []
        self._folder = folder
        self._switch = Host("switch", "", folder)
        self._switch.run("ip", "link", "add", "bridge", "type", "bridge")
        self._switch.run("ip", "link", "set", "bridge", "up")

    def host(self, name: str, number: int) -> Host:
        """Add a host; its address ends with `number`, which one that was lost may have had before."""
        host = Host(name, f"{PREFIX}.{number}", self._folder)
        self.hosts.append(host)
        card = ("eth0", "address", f"02:00:00:00:00:{number:02x}", "netns", str(host.pid))
        port = ("name", self._port(host), "netns", str(self._switch.pid))
        subprocess.run(["ip", "link", "add", *card, "type", "veth", "peer", *port], check=True)
        host.run("ip", "address", "add", f"{host.address}/24", "dev", "eth0")
        host.run("ip", "link", "set", "eth0", "up")
        self.heal(host)
        return host

    def cut(self, host: Host, *, noticed: bool = False) -> None:
        """Cut the link of a host, whose end of it looks as before unless that is `noticed`."""
        self._switch.run("ip", "link", "set", self._port(host), *(["down"] if noticed else ["nomaster"]))

    def heal(self, host: Host) -> None:
        """Mend the link of a host."""
        self._switch.run("ip", "link", "set", self._port(host), "up", "master", "bridge")

    def _port(self, host: Host) -> str:
        return f"port{self.hosts.index(host)}"

    def close(self) -> None:
        """End all hosts."""
        for host in (*self.hosts, self._switch):
            host.lose()


@contextmanager
def network(folder: Path) -> Iterator[Network]:
    """Open a network for the block; skip the test where this process may make none."""
    tools = ("ip", "mount", "nsenter", "unshare")
    if not sys.platform.startswith("linux") or os.getuid() or not all(map(shutil.which, tools)):
        pytest.skip("hosts need Linux, root, and the tools of iproute2 and util-linux")
    try:
        made = Network(folder)
    except (AssertionError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this kernel lets nobody make namespaces or bridges: {error}")
    try:
        yield made
    finally:
        made.close()
