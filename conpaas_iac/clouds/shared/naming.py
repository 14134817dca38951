"""What machines are called. Pure."""

from conpaas_iac.errors import UserError

LONGEST = 63


def full_name(application: str, environment: str, node: str) -> str:
    """Unique among all applications: slugs never hold a double hyphen."""
    return "--".join((application, node) if environment == "default" else (application, environment, node))


def host_name(application: str, environment: str, node: str, why: str) -> str:
    """Where it is a host name, too. `why` says who takes no longer ones."""
    name = full_name(application, environment, node)
    if len(name) > LONGEST:
        raise UserError(
            f"the machine of {node} would be called {name}: {len(name)} characters, {why} {LONGEST}",
            "give the application, the environment or the service a shorter name",
        )
    return name
