"""What the processes of this machine listen on, as Linux shows it."""

import os
import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

LISTENS = "0A"
PROC = Path("/proc")


def family(process: int) -> set[int]:
    """The ids of a process and of all that it started, and they."""
    found = {process}
    parents = {}
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = int(stat[1])
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def listening(processes: set[int]) -> set[IPv4Address | IPv6Address]:
    """The addresses at which any of some processes accepts TCP connections."""
    inodes = {inode for process in processes for inode in _sockets(process)}
    found = set()
    for name in ("tcp", "tcp6"):
        for line in (PROC / "net" / name).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == LISTENS and words[9] in inodes:
                found.add(_address(words[1].partition(":")[0]))
    return found


def _sockets(process: int) -> set[str]:
    """The inodes of a process's sockets."""
    found = set()
    with suppress(OSError):  # it has ended
        for file in (PROC / str(process) / "fd").iterdir():
            with suppress(OSError):
                found.add(os.readlink(file).removeprefix("socket:[").removesuffix("]"))
    return found


def _address(digits: str) -> IPv4Address | IPv6Address:
    """An address as Linux writes it: words of 32 bits, each in this machine's order."""
    whole = bytes.fromhex(digits)
    words = [whole[at : at + 4] for at in range(0, len(whole), 4)]
    return ip_address(b"".join(socket.htonl(int.from_bytes(one)).to_bytes(4) for one in words))
