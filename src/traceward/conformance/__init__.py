"""Judges any EPCIS 2.0 server by its URL; it must not import anything of this one. Nothing is in it yet."""
