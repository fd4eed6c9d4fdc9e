"""A cluster of Ray on this machine: nodes and workers that can be killed, and its drivers."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from ray.cluster_utils import Cluster

PPMS = Path(sys.executable).with_name("ppms")
_STORE_BYTES = 100_000_000


class Nodes:
    """A head without CPUs and nodes of one CPU; a context manager that ends all.

    Args:
        count: How many nodes.
    """

    def __init__(self, count: int) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        # Its own: otherwise it becomes the cluster that others on this machine find by default.
        self._folder = TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True)
        self._cluster: Any = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "object_store_memory": _STORE_BYTES,
                "include_dashboard": False,
                "temp_dir": self._folder.name,
            },
        )
        self._nodes: list[Any] = []
        for _ in range(count):
            self.add()

    @property
    def address(self) -> str:
        """Where drivers find it."""
        return str(self._cluster.address)

    def add(self) -> None:
        """Start a node."""
        node = self._cluster.add_node(num_cpus=1, object_store_memory=_STORE_BYTES)
        self._nodes.append(node)

    def kill_node(self, number: int) -> None:
        """Kill a node with all that runs on it."""
        self._cluster.remove_node(self._nodes.pop(number % len(self._nodes)), allow_graceful=False)

    def workers(self) -> list[int]:
        """Return the processes of this cluster, and of no other, that are at a task of ours."""
        raylets = {
            each.process.pid
            for node in self._nodes
            for each in node.all_processes.get("raylet", ())
        }
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                line = (folder / "cmdline").read_bytes()
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                if line.startswith(b"ray::_make") and parent in raylets:
                    found.append(int(folder.name))
        return sorted(found)

    def kill_worker(self, number: int) -> bool:
        """Kill one of the processes that are at a task; False where there is none."""
        workers = self.workers()
        if not workers:
            return False
        with suppress(ProcessLookupError):
            os.kill(workers[number % len(workers)], signal.SIGKILL)
        return True

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start ``ppms batch`` on this cluster."""
        return subprocess.Popen(
            [str(PPMS), "batch", *map(str, arguments), "--engine", "ray"],
            env={**os.environ, "RAY_ADDRESS": self.address},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Nodes":  # noqa: PYI034  typing has Self from 3.11 on
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._cluster.shutdown()
        self._folder.cleanup()
