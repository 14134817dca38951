"""Stand-ins for the providers of clouds nobody here has an account of: the engine starts them, containers back them.

A cloud is a project of LXD (`lab`), with a bridge for each subnet, NAT at its edge and nothing else outside of it. Two
faces lead to it: a plugin for the engine (`plugin`, which knows from the installed SDK what the real one takes:
`shapes`) and a small HTTP API for the client libraries (`endpoint`).
"""
