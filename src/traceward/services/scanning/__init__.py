"""Labels: pictures and texts read into items, and labels to print."""
