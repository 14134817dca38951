"""EC2 through boto3: the one place that opens it and translates its errors.

Credentials come from AWS's own places only (profile, environment, SSO, a role); conpaas keeps none.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from conpaas_iac.core.places import Place
from conpaas_iac.errors import MachineError, UserError

LOG_IN = "aws configure sso, then aws sso login; or AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
AGAIN = "the same command goes on from here"
MISSING = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
REFUSED = {"AuthFailure", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException"}
FORBIDDEN = {"UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "OptInRequired"}
BUSY = {"RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException"}


def client(place: Place, service: str = "ec2") -> Any:
    """A client of a service in the place's region; raises UserError where there can be none."""
    if "Region" not in place.settings:
        raise UserError(f"the cloud {place.name} has no Region", '"Clouds": {"ec2": {"Provider": "aws", "Region": …}}')
    return _client(place.settings["Region"], place.settings.get("Profile"), service)


@cache  # its description of EC2 takes half a second to read
def _client(region: str, profile: str | None, service: str) -> Any:
    """Its standard retries wait when AWS is asked too often; it renews credentials that end."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import ProfileNotFound
    except ImportError as error:
        raise UserError("AWS needs the Python package boto3", "pip install 'conpaas[aws]'") from error
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
    except ProfileNotFound as error:
        raise UserError(f"AWS has no profile {profile!r} here", LOG_IN) from error
    return session.client(service, config=Config(retries={"mode": "standard", "max_attempts": 10}, connect_timeout=10))


def instances(client: Any, **asked: Any) -> Iterator[Mapping[str, Any]]:
    """What describe_instances tells, page after page."""
    for page in client.get_paginator("describe_instances").paginate(**asked):
        for reservation in page["Reservations"]:
            yield from reservation["Instances"]


@contextmanager
def errors(what: str, place: Place) -> Iterator[None]:
    """Translate AWS's errors; `what` says what was being done."""
    from botocore import exceptions

    begin = f"cloud {place.name}: {what}"
    try:
        yield
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
        raise UserError(f"{begin}: there are no credentials for AWS", LOG_IN) from error
    except (exceptions.TokenRetrievalError, exceptions.SSOError, exceptions.CredentialRetrievalError) as error:
        raise UserError(f"{begin}: the session with AWS has ended: {error}", "aws sso login") from error
    except exceptions.EndpointConnectionError as error:
        region = place.settings["Region"]
        remedy = f'is {region} a region? Its names: aws ec2 describe-regions; else this computer does not reach AWS'
        raise UserError(f"{begin}: region {region!r} does not answer", remedy) from error
    except exceptions.WaiterError as error:
        raise MachineError(f"{begin}: AWS has not done it in time: {error}", remedy=AGAIN) from error
    except exceptions.ClientError as error:
        raise _translated(begin, error.response["Error"]) from error
    except exceptions.BotoCoreError as error:
        raise MachineError(f"{begin}: {error}", remedy=AGAIN) from error


def refuse_another_account(place: Place) -> None:
    """Raises UserError where the credentials are none, or of another account than the place's."""
    with errors("log-in", place):
        account = client(place, "sts").get_caller_identity()["Account"]
    wanted = place.settings.get("Account", account)
    if account != wanted:
        remedy = 'log in to that account, or name its profile: "Profile"'
        raise UserError(f"cloud {place.name}: the credentials are of account {account}, it is in {wanted}", remedy)


def dry_run(call: Callable[..., Any], **arguments: Any) -> None:
    """Ask whether a call would be allowed; raises ClientError only where it would not."""
    from botocore.exceptions import ClientError

    try:
        call(DryRun=True, **arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in FORBIDDEN:
            raise


def _translated(begin: str, error: dict[str, str]) -> UserError | MachineError:
    code, text = error.get("Code", ""), error.get("Message", "")
    if code in MISSING:
        return UserError(f"{begin}: the credentials for AWS have expired", "aws sso login, or new ones")
    if code in REFUSED:
        return UserError(f"{begin}: AWS does not know these credentials ({code})", LOG_IN)
    if code in FORBIDDEN:
        remedy = "ask for the right, or use another profile"
        return UserError(f"{begin}: these credentials may not do that: {text}", remedy)
    if code in BUSY:
        return MachineError(f"{begin}: AWS was asked too often, also after waiting ({code})", remedy=AGAIN)
    return MachineError(f"{begin}: {text} ({code})", remedy=AGAIN)
