"""Find the address of a client behind trusted proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from .. import conf

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(meta: Mapping[str, object]) -> str:
    """Return the client's address from `request.META`: that of the connection, or the one a trusted proxy reports.

    A client can write anything into `X-Forwarded-For`; each proxy appends the address that it saw. So the header is
    read from the right, while the last address is one of `BACKUP_TRUSTED_PROXIES`.
    """
    address = str(meta.get("REMOTE_ADDR", ""))
    forwarded = str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    while forwarded and _is_trusted(address):
        reported = parse_address(forwarded.pop().strip())
        if reported is None:
            break
        address = str(reported)
    return address


def parse_address(text: str) -> Address | None:
    """Parse an address; None if it is invalid. An IPv4-mapped IPv6 address becomes the IPv4 address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


def _is_trusted(text: str) -> bool:
    address = parse_address(text)
    return address is not None and any(address in network for network in conf.load().trusted_proxies)
