"""ONNX models: catalogue, sessions, pre- and post-processing. No image files, no network, no business thresholds."""
