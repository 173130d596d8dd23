"""Agreements of consignment: signed versions, the book that events are judged by, and their files."""
