"""Damaged videos in a process of their own; tests/endurance/fuzz_videos.py reads more of them."""

import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).parents[2] / "endurance" / "fuzz_videos.py"


def test_damaged_videos_give_frames_or_one_of_our_errors(tmp_path):
    """Each of 18 videos, damaged in each of 14 ways."""
    command = [sys.executable, FUZZ, "--count", "252", "--seed", "7", "--keep", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ended in frames" in done.stdout
    assert "ended in one of our errors" in done.stdout
