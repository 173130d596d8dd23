"""The GS1 General Specifications and UDI rules as values; nothing here may read a file or call out after import."""
