"""Host checks: a server may not redirect to hosts of this machine or its network."""

import ipaddress
import socket
from typing import Final

from ...errors import ImageError

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


def is_private(address: str) -> bool:
    """Tell whether an IP address is not one of the public internet.

    Loopback, private, link-local (where clouds keep their machines' credentials), shared,
    reserved and multicast addresses are not, in IPv6 also where they hold such an IPv4 address.

    Args:
        address: An IPv4 or IPv6 address, perhaps with a scope: ``"fe80::1%eth0"``.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        within: ipaddress.IPv4Address | None = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            within = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if within is not None:
            return is_private(str(within))
        if ip.is_site_local:
            return True
    return not ip.is_global or ip.is_multicast or ip.is_reserved


class Reach:
    """Guard against servers that redirect a visitor into the visitor's own network.

    The first host may be anywhere, because the user named it. Those that redirects lead to are
    public unless the first one was private.

    Args:
        public_only: The first host may not be private either, because a stranger named it.
    """

    def __init__(self, *, public_only: bool = False) -> None:
        self.public_only = public_only
        self._private_allowed: bool | None = False if public_only else None

    def check_name(self, host: str, port: int) -> None:
        """Look at a host before it is connected to.

        Args:
            host: Its name or IP address.
            port: Its port.

        Raises:
            ImageError: It has a private address, which a redirect from a public one may not lead
                to, nor anything where all hosts have to be public.
            OSError: It has no address.
        """
        if self._private_allowed is False:
            for *_, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                self._check(private=is_private(str(place[0])))

    def check_connection(self, connected: socket.socket) -> None:
        """Look at who was connected to, before anything is sent: names may change their address.

        Raises:
            ImageError: As `check_name`.
        """
        self._check(private=is_private(str(connected.getpeername()[0])))

    def check_proxied(self, host: str) -> None:
        """Look at a host that a proxy connects to, whose address is not known here.

        Raises:
            ImageError: As `check_name`, as far as its name tells.
        """
        name = host.lower().rstrip(".")
        self._check(
            private=name == "localhost" or name.endswith(".localhost") or _is_private_text(name)
        )

    def _check(self, *, private: bool) -> None:
        if self._private_allowed is None:
            self._private_allowed = private
        elif private and not self._private_allowed:
            if self.public_only:
                raise ImageError("expected a public address, found a private one")
            raise ImageError(
                "expected an image or a redirect to another public address, found a redirect to "
                "a private one"
            )


def _is_private_text(name: str) -> bool:
    try:
        return is_private(name)
    except ValueError:
        pass
    try:
        # IPv4 in the forms that programs in C take: 127.1, 0x7f000001.
        return is_private(socket.inet_ntoa(socket.inet_aton(name)))
    except OSError:
        return False
