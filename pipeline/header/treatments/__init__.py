"""Attributes that need a treatment of their own; `pipeline.header.special` says which gets which."""
