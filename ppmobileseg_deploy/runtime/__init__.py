"""Runtime of an exported ONNX file: NumPy, OpenCV and ONNX Runtime, no PyTorch."""
