"""How long a test waits for anything; it must not be a promise about the product's speed.

Long enough where many times as much runs as the machine has cores. What comes sooner is seen sooner: it costs time only
where a test fails.
"""

PATIENCE_S = 60
PATIENCE_MS = PATIENCE_S * 1000
