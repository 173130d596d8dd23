"""The EPCIS 2.0 and CBV 2.0 standards as values and pure functions: codecs, rules, identity, hash, query language."""
