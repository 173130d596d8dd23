"""Pixels to symbols: what a picture shows, as symbology identifier and bytes; never what the bytes mean."""
