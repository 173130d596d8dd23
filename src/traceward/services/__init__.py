"""The journeys of the product: the only room that commits. It must not know HTTP."""
