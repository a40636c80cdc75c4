"""Which addresses on the network syncd may call on a merchant's word. No sockets but the name service."""

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from connectors.sdk.errors import RefusalKind, Refused

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address lies in the open internet. What IPv6 addresses carry as IPv4 is judged too."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved
    carried = _carried(address)
    if carried is not None:
        return is_public(carried)
    return address in _GLOBAL_UNICAST and address.is_global


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a packet to this one ends at: mapped, 6to4 or translated."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def public_addresses(host: str, port: int) -> list[str]:
    """Every address of a host, in the order of the name service.

    Refused as soon as one of them is private: a name that leads to both is not to be trusted. OSError where the name is
    not known.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a label that no name service takes
        raise OSError(f"{host!r} is no name of a host") from error
    addresses = [str(sockaddr[0]) for *_, sockaddr in found]
    if not all(is_public(ip_address(address)) for address in addresses):
        raise Refused(
            "This address is inside a private network, which syncd does not call. An operator can allow it.",
            kind=RefusalKind.CONFIGURATION,
        )
    return addresses
