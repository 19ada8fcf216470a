"""Video: MPEG-2, H.264 and HEVC, read and written by PyAV, picture by picture."""
