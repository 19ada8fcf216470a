"""The gateway: network, ledger, processes, command line. Nothing below this package knows that it exists."""
