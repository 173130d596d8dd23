"""The HTTP binding: EPCIS REST, consignment, trace, scan and administration. It must not hold business rules."""
