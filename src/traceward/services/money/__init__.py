"""What uses cost: usage reports, prices, invoices, settlements, leaks, and the reports in their forms."""
