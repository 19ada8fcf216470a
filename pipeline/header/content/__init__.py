"""Content that is more than attributes: content items, annotations, waveforms."""
