"""An application in an environment: how it is named, and how a command line says which one is meant."""

DEFAULT = "default"


def title(application: str, environment: str) -> str:
    """shop, or shop:staging."""
    return application if environment == DEFAULT else f"{application}:{environment}"


def option(environment: str) -> str:
    """What follows the application in a command line: " -e staging", or nothing."""
    return "" if environment == DEFAULT else f" -e {environment}"
