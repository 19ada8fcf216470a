"""Configuration: frozen models of gateway.yaml and of a profile, and the only reader of YAML."""
