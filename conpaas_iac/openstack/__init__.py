"""OpenStack through openstacksdk: the one place that opens it and translates its errors.

Credentials come from OpenStack's own places only (clouds.yaml, OS_*); conpaas keeps none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from conpaas_iac.core.places import Place
from conpaas_iac.errors import MachineError, UserError

BUSY = [429, 503]  # what is worth another try
PLACE = 'look at "Cloud" and "Region" of the cloud in the manifest, and at clouds.yaml or the OS_* variables'
CREDENTIALS = "set OS_CLOUD to a cloud of clouds.yaml, or the OS_* variables of your project's RC file"
AGAIN = "the same command goes on from here"


def client(place: Place) -> Any:
    """A connection, which logs in with its first call and waits when OpenStack is asked too often."""
    return _client(place.settings.get("Cloud"), place.settings.get("Region"))


@lru_cache(maxsize=8)
def _client(cloud: str | None, region: str | None) -> Any:
    try:
        import openstack
    except ImportError as error:
        remedy = "pip install 'conpaas[openstack]'"
        raise UserError("OpenStack needs the Python package openstacksdk, which is not there", remedy) from error
    with errors("login"):
        return openstack.connect(
            cloud=cloud, region_name=region, app_name="conpaas", status_code_retries=4, retriable_status_codes=BUSY
        )


@contextmanager
def errors(what: str, place: Place | None = None) -> Iterator[None]:
    """Translate its errors; `what` says what was being done."""
    from keystoneauth1 import exceptions as login
    from openstack import exceptions as sdk

    begin = f"cloud {place.name}: {what}" if place else f"OpenStack: {what}"
    try:
        yield
    except sdk.ConfigException as error:  # what clouds.yaml, or the environment, does not know
        raise UserError(f"{begin}: {_line(error)}", PLACE) from error
    except (login.MissingRequiredOptions, login.MissingAuthPlugin) as error:
        raise UserError(f"{begin}: there are no credentials for OpenStack: {_line(error)}", CREDENTIALS) from error
    except login.Unauthorized as error:
        remedy = CREDENTIALS
        raise UserError(f"{begin}: OpenStack does not take these credentials: wrong, or expired", remedy) from error
    except login.EndpointNotFound as error:
        raise UserError(f"{begin}: {_line(error)}", PLACE) from error
    except sdk.ForbiddenException as error:
        raise UserError(f"{begin}: forbidden: {_line(error)}", "ask for the member role in the project") from error
    except sdk.ResourceTimeout as error:
        raise MachineError(f"{begin}: OpenStack has not done it in time", remedy=AGAIN) from error
    except (sdk.SDKException, login.ClientException) as error:
        raise MachineError(f"{begin}: {_line(error)}", remedy=AGAIN) from error


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
