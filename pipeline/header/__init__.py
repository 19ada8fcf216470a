"""Headers: PS3.15 Annex E as data, and the engine that applies it. Looks at no pixel."""
