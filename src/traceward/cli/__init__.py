"""The `traceward` command: thin over services and, for a server that runs elsewhere, over its HTTP interface."""
