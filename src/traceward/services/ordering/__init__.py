"""Orders that stand and how far they have come: what alerts and replenishment both reckon with."""
