"""One image through the network: model file, ONNX Runtime, and the arrays on both sides."""
