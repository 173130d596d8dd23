"""A test kit that judges any EPCIS 2.0 REST server by its URL, over plain HTTP.

It must import nothing of the server beside it: what it knows of EPCIS it states again, as a partner would.
"""
