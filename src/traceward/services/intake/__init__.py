"""Events on their way in: bodies, jobs, checks, and the one transaction in which a part of a capture is written."""
