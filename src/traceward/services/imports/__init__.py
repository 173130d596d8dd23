"""Getting started: CSV of catalogue, places, PAR levels, prices and stock; onboarding of a partner."""
