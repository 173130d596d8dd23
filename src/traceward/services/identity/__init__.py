"""Who asks: organisations, roles, keys, tokens of issuers, sessions, and the audit log of what they did."""
