"""Where things are and were: stock, trace, genealogy, custody, implants, conflicts and their corrections."""
