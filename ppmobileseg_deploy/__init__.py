"""PP-MobileSeg on a plain CPU: checkpoint to ONNX, photographs to labels."""
