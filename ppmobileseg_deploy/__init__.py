"""PP-MobileSeg on a plain CPU: from a checkpoint to one portable ONNX file, and from images to labels."""
