"""The SOAP binding: queries, subscriptions and their mistakes, as its operations have them."""
