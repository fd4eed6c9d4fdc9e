"""How fast models are on this machine, side by side: `measure` does all of it.

`benchmarking.head` needs the packages of the extra ``export``, `benchmarking.plotting` those of
``bench``: neither is imported here.
"""

from .benchmark import Benchmark, measure
from .candidates import Candidate, candidates
from .conditions import BusyWarning, Conditions, find_conditions
from .fresh_process import FirstImage, Start, first_image
from .networks import NetworkRow, measure_networks
from .stages import STAGES, Stages, StageSpreads, segment_file
from .timing import Spread, latencies_ms, take_turns
from .whole import WholeRow, measure_whole

__all__ = [
    "STAGES",
    "Benchmark",
    "BusyWarning",
    "Candidate",
    "Conditions",
    "FirstImage",
    "NetworkRow",
    "Spread",
    "StageSpreads",
    "Stages",
    "Start",
    "WholeRow",
    "candidates",
    "find_conditions",
    "first_image",
    "latencies_ms",
    "measure",
    "measure_networks",
    "measure_whole",
    "segment_file",
    "take_turns",
]
