"""Dune's own OpenAPI document as a judge of our answers."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from openapi_core import Config, OpenAPI, V30ResponseValidator
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_core.templating.media_types.exceptions import MediaTypeNotFound
from openapi_core.templating.responses.exceptions import ResponseNotFound
from openapi_core.validation.schemas.exceptions import InvalidSchemaValue

from dune_frames.local.endpoints import PATHS, PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import requests
    from jsonschema import ValidationError


@dataclass(frozen=True)
class Contract:
    """The document for one server, made strict: a key that it does not list is a difference."""

    validator: V30ResponseValidator

    @classmethod
    def of(cls, document: Path, url: str) -> Contract:
        read = json.loads(document.read_text(encoding="utf-8"))
        read["servers"] = [{"url": f"{url}/api"}]
        for schema in read["components"]["schemas"].values():
            if "properties" in schema:
                schema.setdefault("additionalProperties", False)
        # The document breaks OpenAPI's own rules in an endpoint that is not served here.
        whole = OpenAPI.from_dict(copy.deepcopy(read), config=Config(spec_validator_cls=None))
        return cls(V30ResponseValidator(whole.spec))

    def differences(self, response: requests.Response) -> set[tuple[str, str]]:
        """Return where an answer is not as the document says: the endpoint, and what it is."""
        asked = RequestsOpenAPIRequest(response.request)
        found = self.validator.iter_errors(asked, RequestsOpenAPIResponse(response))
        endpoint = endpoint_of(response)
        return {(endpoint, what) for error in found for what in _told(error, response)}


def endpoint_of(response: requests.Response) -> str:
    """Return the name of the endpoint that answered, by the names of the request log."""
    path = response.request.path_url.partition("?")[0].removeprefix(PREFIX)
    for name, (method, template) in PATHS.items():
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        if method == response.request.method and re.fullmatch(pattern, path):
            return name
    raise LookupError(f"{response.request.method} {path}")


def _told(error: Exception, response: requests.Response) -> Iterator[str]:
    cause = error.__cause__
    if isinstance(error, ResponseNotFound) or isinstance(cause, ResponseNotFound):
        yield f"{response.status_code}"
    elif isinstance(cause, MediaTypeNotFound):
        kind = response.headers["content-type"].partition(";")[0]
        yield f"{'answers' if response.ok else 'errors'} as {kind}"
    elif isinstance(cause, InvalidSchemaValue):
        for top in cause.schema_errors:
            for one in _leaves(top):
                yield from _places(one)
    else:
        yield repr(error)


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Yield the innermost errors of one that is made of others."""
    if not error.context:
        yield error
    for inner in error.context or ():
        yield from _leaves(inner)


def _places(error: ValidationError) -> Iterator[str]:
    path: list[Any] = ["[]" if isinstance(step, int) else step for step in error.absolute_path]
    if path[:3] == ["result", "rows", "[]"]:
        path[3:] = ["cell"]
    if error.validator == "additionalProperties":
        unlisted = error.instance.keys() - error.schema["properties"].keys()
        yield from (".".join([*path, key]) + ": no such key" for key in unlisted)
    else:
        yield ".".join(path) + f": not {error.validator_value}"
