"""Recalls: notices, what they reach, and who has yet to act."""
