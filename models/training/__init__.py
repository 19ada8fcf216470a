"""Making the models: torch, rendering, training, export. Never imported at run time."""
