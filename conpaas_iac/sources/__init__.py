"""The code of services, fetched, looked at and kept in one form."""
