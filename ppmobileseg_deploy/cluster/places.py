"""Places: files and folders on this machine, in S3, or on any other file system."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.fs as pafs

from ..errors import ImageError, OutputError, UsageError
from ..files import atomic_path
from ..quoting import printable

MOST_IMAGE_BYTES: Final = 64 << 20
"""Files of images are not larger."""

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_WHOLE_OR_NOTHING: Final = ("s3", "gcs", "abfs")  # objects appear when they are complete
_ATTEMPTS: Final = 10


@dataclass(frozen=True)
class Place:
    """A file or folder; which system it is on follows from its name.

    Attributes:
        location: An absolute path of this machine, or ``scheme://...``.
    """

    location: str

    @classmethod
    def of(cls, location: str) -> "Place":
        """Return the place that a user named; a path counts from the current folder.

        Raises:
            UsageError: It is empty, or an address in the web.
        """
        if not location:
            raise UsageError("expected the name of a file or folder, found an empty text")
        scheme = _SCHEME.match(location)
        if scheme is None:
            return cls(os.path.abspath(location))  # noqa: PTH100  keeps links
        if scheme[1].lower() in ("http", "https"):
            raise UsageError(
                f"expected a path or a place such as s3://bucket/folder, found {location}: "
                "ppms infer fetches images from the web"
            )
        return cls(location.rstrip("/"))

    def __truediv__(self, name: str) -> "Place":
        return Place(f"{self.location.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return self.location

    @property
    def name(self) -> str:
        """The last part of the location."""
        return self.location.rpartition("/")[2]

    def is_folder(self) -> bool:
        """Return whether it is a folder, or the beginning of names of objects."""
        return bool(self._info().type == pafs.FileType.Directory)

    def exists(self) -> bool:
        """Return whether there is anything."""
        return bool(self._info().type != pafs.FileType.NotFound)

    def files_below(self) -> Iterator[str]:
        """Yield the location of every file in the folder and in those in it.

        Raises:
            ImageError: It cannot be listed.
        """
        system, base = self._opened()
        prefix = self.location.removesuffix(base) if base else self.location
        try:
            found = system.get_file_info(
                pafs.FileSelector(base, recursive=True, allow_not_found=True)
            )
        except OSError as error:
            raise ImageError(f"cannot list {self}: {error}") from error
        for info in found:
            if info.type == pafs.FileType.File:
                yield prefix + info.path

    def read(self, most_bytes: int | None = None) -> bytes:
        """Return the content of a file.

        Args:
            most_bytes: Of larger ones nothing is read.

        Raises:
            ImageError: It is missing, larger, or may not be read: what trying again won't change.
            OSError: It cannot be read now.
        """
        try:
            with self.open() as file:
                size = file.size()
                if most_bytes is not None and size > most_bytes:
                    raise ImageError(
                        f"cannot read {self}: expected at most {most_bytes} bytes, found {size}"
                    )
                content: bytes = file.read()
                return content
        except FileNotFoundError:
            raise ImageError(f"cannot read {self}: no such file") from None
        except PermissionError:
            raise ImageError(f"cannot read {self}: no permission") from None
        except IsADirectoryError:
            raise ImageError(f"cannot read {self}: expected a file, found a folder") from None
        except ValueError as error:  # such as a null character
            raise ImageError(f"cannot read {self}: {error}") from error

    def open(self) -> Any:
        """Open a file for reading at any position, as pyarrow does.

        Raises:
            OSError: That is not possible.
        """
        system, path = self._opened()
        return system.open_input_file(path)

    def write(self, content: bytes) -> None:
        """Write a file, and its folder if there is none. It appears whole or not at all.

        Raises:
            OutputError: It cannot be written.
        """
        system, path = self._opened()
        kind = system.type_name
        if kind == "local":
            with atomic_path(Path(path)) as temporary:
                temporary.write_bytes(content)
            return
        try:
            if kind in _WHOLE_OR_NOTHING:
                _write_all(system, path, content)
                return
            folder, _, name = path.rpartition("/")
            system.create_dir(folder, recursive=True)
            temporary_path = f"{folder}/.ppms-{os.urandom(8).hex()}-{name}"
            _write_all(system, temporary_path, content)
            system.move(temporary_path, path)
        except OSError as error:
            raise OutputError(f"cannot write {self}: {error}") from error

    def _info(self) -> Any:
        system, path = self._opened()
        try:
            return system.get_file_info(path)
        except OSError as error:
            raise UsageError(f"cannot look at {self}: {error}") from error

    def _opened(self) -> tuple[Any, str]:
        scheme = _SCHEME.match(self.location)
        if scheme is None:
            return pafs.LocalFileSystem(), self.location
        host, _, path = self.location[scheme.end() :].partition("/")
        system, base = _system(scheme[0].lower() + host)
        return system, f"{base.rstrip('/')}/{path}" if base and path else base or path


def _write_all(system: Any, path: str, content: bytes) -> None:
    # Closing is what makes an object appear: not after a failure, as a `with` would do.
    file = system.open_output_stream(path)
    file.write(content)
    file.close()


@lru_cache(maxsize=64)
def _system(root: str) -> tuple[Any, str]:
    """Return the file system of ``scheme://host`` and the path of that in it."""
    try:
        if root.startswith("s3://"):
            return _s3(root.removeprefix("s3://"))
        try:
            return pafs.FileSystem.from_uri(f"{root}/")  # type: ignore[no-any-return]
        except pa.ArrowInvalid:
            from fsspec.core import url_to_fs  # what Arrow itself does not know

            system, base = url_to_fs(f"{root}/")
            return pafs.PyFileSystem(pafs.FSSpecHandler(system)), base
    except (OSError, ValueError, ImportError, pa.ArrowException) as error:
        raise UsageError(f"cannot open {root}: {printable(str(error))}") from error


def _s3(bucket: str) -> tuple[Any, str]:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region is None:
        region = "us-east-1" if endpoint else pafs.resolve_s3_region(bucket)
    system = pafs.S3FileSystem(
        region=region,
        endpoint_override=endpoint,
        retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
    )
    return system, bucket
