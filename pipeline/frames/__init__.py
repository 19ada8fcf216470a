"""Pixel data to arrays and back, one frame at a time. Decides nothing."""
