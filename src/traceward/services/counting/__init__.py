"""Counts of what lies on the shelves: sessions, labels, variances, ghosts, write-offs and opening balances."""
