"""Alerts and obligations of consignment: the facts they need, how they are kept, and their digests."""
