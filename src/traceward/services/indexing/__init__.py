"""What is made of an event for the ledger and the query index, before it is written and when it is written afresh."""
