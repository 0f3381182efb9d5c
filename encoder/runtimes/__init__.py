"""What computes a graph: OpenVINO and ONNX Runtime behind one protocol."""
