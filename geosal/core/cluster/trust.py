"""Which addresses of a cluster may be used: dask's plain protocol has no password.

Client, scheduler and workers send each other pickled code and data, and whoever unpickles a message runs what it says.
So who reaches a port of plain ``tcp://`` runs code as each of them, this process too; who can read the network sees the
pixels. Within one machine its users are trusted; beyond it the user has to say that the network is.
"""

import ipaddress
import os
import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from geosal.errors import ClusterError, UsageError, redact

VARIABLE = "GEOSAL_INSECURE_CLUSTER"
"""Environment variable by which a cluster of a trusted network is said to be one, for all jobs in an environment."""
_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_ADDRESSED = ("tcp://", "tls://", "ws://", "wss://", "ucx://", "ucxx://")
"""Protocols whose addresses are a host and a port."""
_GUARDED = frozenset({"inproc", "tls", "wss", "gateway"})
"""Protocols that stay within a process, or that are encrypted and ask both sides for a certificate or a token."""
_WITHIN = re.compile(r"inproc://[^/\s]+/[0-9]+/[0-9]+", re.ASCII)
"""Address of a scheduler of this very process, as distributed writes it: host, process and number."""


def environment_allows() -> bool:
    """Return whether the environment says yes to plain protocols beyond this machine.

    Raises
    ------
    UsageError
        The variable says neither yes nor no.
    """
    text = os.environ.get(VARIABLE, "").strip().lower()
    if text and text not in _WORDS:
        raise UsageError(f"{VARIABLE}={text}: it must be yes or no")
    return _WORDS.get(text, False)


def check_address(address: str, told_by: str = "") -> None:
    """Refuse what is no address of a scheduler, before dask tries it for many seconds.

    Parameters
    ----------
    address
        Address with its protocol.
    told_by
        How the message begins.

    Raises
    ------
    ClusterError
        The protocol is another, or there is no host, no port, or more than these (``inproc://`` has a process and a
        number instead).
    """
    if _WITHIN.fullmatch(address):
        return
    try:
        parts = urlsplit(address)
        sound = parts.netloc == address.partition("://")[2] and parts.username is None
        sound = sound and bool(parts.hostname) and bool(parts.port)
    except ValueError:  # a port that is none, or half a pair of brackets
        sound = False
    if not sound or not address.startswith(_ADDRESSED):
        raise ClusterError(
            f"{told_by}{redact(address)}: no address of a scheduler; write tcp://HOST:PORT or tls://HOST:PORT, or hand "
            "over a Client in Python"
        )


def is_guarded(address: str) -> bool:
    """Return whether nobody beyond this machine reaches an address, or only who has a certificate.

    A name counts by the addresses that it has here and now.

    Raises
    ------
    ClusterError
        Nobody knows the host.
    """
    protocol, _, _ = address.partition("://")
    if protocol in _GUARDED:
        return True
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        host = ""
    return bool(host) and all(ipaddress.ip_address(each).is_loopback for each in _addresses(host, address))


def _addresses(host: str, address: str) -> Iterable[str]:
    """Return the numbers of a host."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ClusterError(f"{address}: no host is known as {host}; mend the address") from error
    return {str(each[4][0]).partition("%")[0] for each in found}


def refuse_open(address: str, what: str, *, before: str = "") -> None:
    """Refuse an address that is reached by a plain protocol beyond this machine.

    Parameters
    ----------
    address
        Address of a scheduler or of a worker.
    what
        The word for it.
    before
        How the message begins.

    Raises
    ------
    ClusterError
        It is one; or nobody knows the host.
    """
    if not is_guarded(address):
        raise ClusterError(
            f"{before}{address}: a {what} beyond this machine, without a password: who reaches its network "
            "may run code as you; use tls://, or say --insecure-cluster (insecure_cluster: true) if you trust that "
            "network"
        )
