import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).parents[1] / "endurance" / "fuzz_checkpoints.py"


def test_damaged_and_synthetic_checkpoints_are_read_or_refused(tmp_path: Path) -> None:
    # Each of the ten kinds of files with each of the five kinds of damage, eight times.
    command = [sys.executable, FUZZ, "--count", "400", "--seed", "3", "--keep", tmp_path / "keep"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ended in a result" in done.stdout, "or nothing is read at all"
