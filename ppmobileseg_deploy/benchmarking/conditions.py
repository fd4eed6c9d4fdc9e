"""Where numbers were measured: without it they mean nothing."""

import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

_PACKAGES: Final = (
    "ppmobileseg-deploy",
    "onnxruntime",
    "onnxruntime-openvino",
    "openvino",
    "numpy",
    "opencv-python",
    "opencv-python-headless",
    "pillow",
)


class BusyWarning(UserWarning):
    """More wants to run on this machine than it has cores: times mean little."""


@dataclass(frozen=True)
class Conditions:
    """The machine and the programs.

    Attributes:
        cpu: Name of the processor.
        cores: Cores that this process may use.
        machine_cores: Cores that there are.
        load: Processes of the whole machine that were running or waiting in the minute before,
            None where the system does not say.
        system: Operating system.
        python: Version of Python.
        versions: Package name to version, only those that are installed.
    """

    cpu: str
    cores: int
    machine_cores: int
    load: float | None
    system: str
    python: str
    versions: dict[str, str]

    @property
    def busy(self) -> bool:
        """Whether more processes wanted to run than there are cores."""
        return self.load is not None and self.load > self.machine_cores

    def __str__(self) -> str:
        of = "" if self.cores == self.machine_cores else f" of {self.machine_cores}"
        load = "" if self.load is None else f", load {self.load:.1f} at the start"
        packages = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return (
            f"{self.cpu}, {self.cores}{of} cores{load}; {self.system}; "
            f"Python {self.python}, {packages}"
        )


def find_conditions() -> Conditions:
    """Look up where this process runs."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    machine_cores = os.cpu_count() or 1
    return Conditions(
        cpu=_cpu_name(),
        cores=len(affinity(0)) if affinity else machine_cores,
        machine_cores=machine_cores,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        versions={name: version for name in _PACKAGES if (version := _version(name))},
    )


def _cpu_name() -> str:
    table = Path("/proc/cpuinfo")
    if table.exists():
        for line in table.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
