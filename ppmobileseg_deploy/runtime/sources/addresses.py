"""Addresses of images in the web: checked, and shown without the secrets in them."""

import re
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from ...errors import ImageError
from ...quoting import printable

SCHEMES: Final = ("http", "https")

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_UNSAFE: Final = re.compile(r"[^\w.()+ -]")
_LONGEST_NAME: Final = 100


def scheme_of(location: str) -> str | None:
    """Return the scheme of an address, in lower case; None for what is no address."""
    match = _SCHEME.match(location)
    return match[1].lower() if match else None


def check_address(address: str) -> None:
    """Make sure that an address can be fetched.

    Raises:
        ImageError: It has another scheme than http or https, no host, or a bad port.
    """
    scheme = scheme_of(address)
    if scheme not in SCHEMES:
        raise ImageError(
            f"expected an address that begins with http:// or https://, found {scheme}://: "
            "download it, or name a file"
        )
    try:
        parts = urlsplit(address)
        problem = None if parts.hostname and parts.port != 0 else "without a host"
    except ValueError as error:
        problem = f"with a fault: {error}"
    if problem:
        raise ImageError(f"expected an http(s) address, found one {printable(problem)}")


def shown(address: str) -> str:
    """Return an address for messages: user name, password, query and fragment left out."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return printable(f"{parts.scheme}://{host}{parts.path}" + ("?..." if parts.query else ""))


def file_name(address: str) -> str:
    """Return a file name for what an address gives: the last part of its path, made harmless."""
    parts = urlsplit(address)
    name = PurePosixPath(unquote(parts.path)).name
    name = _UNSAFE.sub("_", name).strip(". ")
    if len(name) > _LONGEST_NAME:
        suffix = PurePosixPath(name).suffix[:10]
        name = name[: _LONGEST_NAME - len(suffix)] + suffix
    return name or _UNSAFE.sub("_", parts.hostname or "") or "web"
