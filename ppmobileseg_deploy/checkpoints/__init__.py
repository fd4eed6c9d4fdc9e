"""Reading training checkpoints of open-mmlab and PaddleSeg, and fetching the official ones."""
