"""The conformance suite of service types: what each check asks for, and what is judged wrong."""
