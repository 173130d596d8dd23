"""Questions of the standard: events, named queries, master data, resolver; and the events that a caller may see."""
