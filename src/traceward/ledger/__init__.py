"""The consignment ledger: stock, ownership, conflicts and visibility as a fold over events; nothing here commits."""
