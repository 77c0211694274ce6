"""Where a request comes from, behind proxies that may be believed."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from .. import conf

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(meta: Mapping[str, object]) -> str:
    """The address of the client, from `request.META`: that of the connection, or what a trusted proxy says of it.

    Anybody may write into `X-Forwarded-For` what they like; each proxy adds at its end who has asked it. So it is read
    from the right, as long as what was read last is one of `BACKUP_TRUSTED_PROXIES`.
    """
    address = str(meta.get("REMOTE_ADDR", ""))
    forwarded = str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    while forwarded and _is_trusted(address):
        said = parse_address(forwarded.pop().strip())
        if said is None:
            break
        address = str(said)
    return address


def parse_address(text: str) -> Address | None:
    """The address in the text, None where there is none; an IPv4 address in IPv6 clothes is that IPv4 address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


def _is_trusted(text: str) -> bool:
    address = parse_address(text)
    return address is not None and any(address in network for network in conf.load().trusted_proxies)
