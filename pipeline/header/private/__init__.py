"""Private attributes: which are known to be safe, and what of them may stay (PS3.15 E.3.10)."""
