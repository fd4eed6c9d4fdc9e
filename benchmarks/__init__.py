"""What every speed in the README was measured with: ``python -m benchmarks``."""
