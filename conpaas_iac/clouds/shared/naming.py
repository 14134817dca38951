"""What machines are called where their names are host names, too. Pure."""

from conpaas_iac.errors import UserError

LONGEST = 63


def host_name(application: str, environment: str, node: str, why: str) -> str:
    """Unique among all applications: slugs never hold a double hyphen. `why` says who takes no longer ones."""
    name = "--".join((application, node) if environment == "default" else (application, environment, node))
    if len(name) > LONGEST:
        raise UserError(
            f"the machine of {node} would be called {name}: {len(name)} characters, {why} {LONGEST}",
            "give the application, the environment or the service a shorter name",
        )
    return name
