import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).parents[2] / "endurance" / "fuzz_models.py"


def test_models_misdescribed_in_every_way_are_results_or_our_errors(tmp_path: Path) -> None:
    # `make endurance` runs ten thousand.
    command = [sys.executable, FUZZ, "--count", "400", "--seed", "7", "--keep", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ended in a result" in done.stdout
