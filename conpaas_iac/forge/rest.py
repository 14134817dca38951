"""JSON over HTTPS: who is down or has had enough is asked again, in bounded time; the token is for that server."""

import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from typing import Any
from urllib.parse import urljoin, urlsplit

from conpaas_iac.errors import UserError

PATIENCE = 60.0  # seconds for one call, with all its repetitions
PAUSE_SECONDS = 20  # without a byte
MAX_BYTES = 64 << 20
MAX_PAGES = 100
BUSY = (500, 502, 503, 504)
LOCAL = ("localhost", "127.0.0.1", "::1")


class ForgeError(UserError):
    """It said no, or nothing; `status` is HTTP's, or 0. `unsure`: it may have been done all the same."""

    def __init__(self, message: str, remedy: str = "", status: int = 0, unsure: bool = False) -> None:
        super().__init__(message, remedy)
        self.status, self.unsure = status, unsure


class _Again(Exception):
    """What may work later; `wait` are the seconds that the server asks for."""

    def __init__(self, reason: str, wait: float = 0, unsure: bool = True) -> None:
        super().__init__(reason)
        self.wait, self.unsure = wait, unsure


@dataclass(frozen=True)
class Answer:
    """Of a call that succeeded."""

    address: str
    headers: Message
    content: bytes

    def json(self) -> Any:
        """Raises ForgeError for what is no JSON: the page of a proxy, for example."""
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise ForgeError(f"{self.address}: what it answers is no JSON") from error

    @property
    def next(self) -> str:
        """The address of the next page, or empty."""
        for link in str(self.headers.get("Link", "")).split(","):
            address, _, relation = link.strip().partition(">")
            if 'rel="next"' in relation:
                return address.removeprefix("<")
        return ""


@dataclass(frozen=True)
class Rest:
    """A server's API; `headers` are for it and nobody else: the token is among them."""

    base: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    authorities: str = ""  # a file of certificates to trust besides the system's
    patience: float = PATIENCE
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    @cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        context = ssl.create_default_context()
        if self.authorities:
            context.load_verify_locations(self.authorities)
        return urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _Redirects(self.headers))

    def get(self, path: str) -> Any:
        """A document."""
        return self.call("GET", path).json()

    def pages(self, path: str, key: str = "") -> Iterator[Any]:
        """All items, page by page; they are the answer itself, or what it has under `key`."""
        address = path
        for _ in range(MAX_PAGES):
            answer = self.call("GET", address)
            document = answer.json()
            found = document.get(key) if key and isinstance(document, dict) else document
            if not isinstance(found, list):
                raise ForgeError(f"{answer.address}: what it answers is no list")
            yield from found
            if not answer.next:
                return
            if _origin(answer.next) != _origin(self.base):
                raise ForgeError(f"{answer.address}: its next page is on another server")
            address = answer.next

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, twice: bool = False) -> Answer:
        """Raises ForgeError. POST is not repeated where it may have been done, unless `twice` is as good as once."""
        address = path if "://" in path else f"{self.base}{path}"
        if not _is_private(address):
            raise ForgeError(f"{address}: a token is sent by https only")
        end, pause = self.clock() + self.patience, 1.0
        while True:
            try:
                return self._once(method, address, body)
            except _Again as again:
                wait, pause = max(again.wait, pause), 2 * pause
                unsure = again.unsure and method == "POST" and not twice
                if unsure or self.clock() + wait > end:
                    later = f"; it asks to wait for {again.wait:.0f} s" if again.wait else ""
                    raise ForgeError(f"{method} {address}: {again}{later}", unsure=unsure) from again
                self.sleep(wait)

    def _once(self, method: str, address: str, body: Mapping[str, Any] | None) -> Answer:
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, content, {"User-Agent": "conpaas"}, method=method)
        if content is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in self.headers.items():
            request.add_unredirected_header(name, value)
        try:
            with self._opener.open(request, timeout=PAUSE_SECONDS) as answer:
                found = answer.read(MAX_BYTES + 1)
                if len(found) > MAX_BYTES:
                    raise ForgeError(f"{address}: answers more than {MAX_BYTES >> 20} MiB")
                return Answer(address, answer.headers, found)
        except urllib.error.HTTPError as error:
            raise _refusal(method, address, error) from error
        except (OSError, http.client.HTTPException) as error:
            raise _silence(address, error) from error


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Reading only; the token stays with the server that it is for, and nothing goes on in the clear."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """None where it is not followed: the answer is the redirect itself."""
        address = urljoin(req.full_url, newurl)
        if req.get_method() != "GET" or not _is_private(address):
            return None
        found = super().redirect_request(req, fp, code, msg, headers, newurl)
        if found is not None and _origin(address) == _origin(req.full_url):
            for name, value in self._headers.items():
                found.add_unredirected_header(name, value)
        return found


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc


def _is_private(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL)


def _refusal(method: str, address: str, error: urllib.error.HTTPError) -> Exception:
    limited = error.code == 429 or (
        error.code == 403 and ("Retry-After" in error.headers or error.headers.get("X-RateLimit-Remaining") == "0")
    )
    said = _said(error)
    if limited or error.code in BUSY:
        return _Again(f"it answers {error.code}{said}", _wait(error.headers), unsure=not limited)
    remedy = "the token may not do this: see its permissions" if error.code in (401, 403, 404) else ""
    return ForgeError(f"{method} {address}: it answers {error.code}{said}", remedy, error.code)


def _said(error: urllib.error.HTTPError) -> str:
    """What the forge says of it, in one line."""
    try:
        document = json.loads(error.read(100_000))
        text = document.get("message") or document.get("error") or ""
    except (ValueError, OSError, AttributeError, http.client.HTTPException):
        return ""
    return f": {' '.join(str(text).split())[:300]}" if text else ""


def _wait(headers: Message) -> float:
    """Seconds: `Retry-After`, or until GitHub counts anew."""
    after = str(headers.get("Retry-After", ""))
    if after.isdigit():
        return float(after)
    reset = str(headers.get("X-RateLimit-Reset", ""))
    is_over = headers.get("X-RateLimit-Remaining") == "0" and reset.isdigit()
    return max(0.0, float(reset) - time.time()) if is_over else 0.0


def _silence(address: str, error: Exception) -> Exception:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return ForgeError(f"{address}: the connection is not trusted: {reason.verify_message}")
    return _Again(str(reason) or type(reason).__name__, unsure=not isinstance(reason, ConnectionRefusedError))
