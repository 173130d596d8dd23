"""Data tables of gs1/ and the script that makes them; nothing here may be needed after a table was read."""
