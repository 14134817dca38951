"""Carries out the conformance suite, on an application of its own."""
