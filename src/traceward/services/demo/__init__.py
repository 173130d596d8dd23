"""The demo: two suppliers, a hospital, their agreement and the story of their goods."""
