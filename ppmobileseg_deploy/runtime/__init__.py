"""Running an exported file: needs numpy, OpenCV and ONNX Runtime, and no PyTorch."""
