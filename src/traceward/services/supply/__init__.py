"""What moves to the shelves and why: needs, orders, their papers and progress, movements, trends."""
