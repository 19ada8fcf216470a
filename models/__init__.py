"""ONNX models: catalogue, sessions, pre- and post-processing. No files of images, no network, no business thresholds."""
