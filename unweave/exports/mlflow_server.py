"""Brings a server of MLflow to what its registry is to hold, by its REST API (2.0).

What is there already is left as it is, so this may run after every training and deletion, twice, or
again after it was cut off. Versions are known by the tag `unweave.model`; a registered model of the
name that is somebody else's is left alone. Credentials come from the variables that MLflow's own
client reads, and never stand in the address.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from lineage_store.errors import BadInput
from unweave.exports.mlflow import LIVE, MODEL, OURS, Json

API = "/api/2.0/mlflow/"
SECONDS = 30
AT_ONCE = 200
TOKEN, USER, PASSWORD = (f"MLFLOW_TRACKING_{one}" for one in ("TOKEN", "USERNAME", "PASSWORD"))
ABSENT = "RESOURCE_DOES_NOT_EXIST"


@dataclass(frozen=True)
class MlflowServer:
    """A server by its address, and what it is told of who asks."""

    address: str
    authorization: str | None = None

    def bring_to(self, registry: Json) -> dict[str, int]:
        """Make what is missing; return how many versions were made, and aliases moved.

        Raises BadInput for a server that does not answer or refuses, and for a registered model of
        one of the names that is not this workspace's.
        """
        try:
            return self._brought_to(registry)
        except (AttributeError, KeyError, TypeError):
            raise BadInput(
                f"What is at {self.address} answers otherwise than an MLflow server does: is that "
                f"the address of one?"
            ) from None

    def _brought_to(self, registry: Json) -> dict[str, int]:
        versions = aliases = 0
        for wanted in registry["registered_models"]:
            moved = self._registered(wanted)
            numbers = {one["tags"][MODEL]: one for one in self._versions(wanted["name"])}
            for one in wanted["versions"]:
                if one["model"] not in numbers:
                    numbers[one["model"]] = self._make_version(wanted["name"], one)
                    versions += 1
                self._tag(wanted["name"], numbers[one["model"]], one["tags"])
            by_alias = {alias: numbers[one]["version"] for alias, one in wanted["aliases"].items()}
            aliases += self._move(wanted["name"], moved, by_alias)
        return {"versions_made": versions, "aliases_moved": aliases}

    def _registered(self, wanted: Json) -> Mapping[str, str]:
        """Make a registered model, if there is none; return its aliases and their versions."""
        name = wanted["name"]
        found = self._ask("GET", "registered-models/get", {"name": name}, absent=True)
        if found is None:
            tags = _pairs(wanted["tags"])
            self._ask("POST", "registered-models/create", {"name": name, "tags": tags})
            return {}
        model = found["registered_model"]
        if _tags(model).get(OURS) != wanted["tags"][OURS]:
            raise BadInput(
                f"The registered model {name} of that MLflow server is not of this workspace: "
                f"rename it there, or call the line otherwise with `unweave name`."
            )
        return {one["alias"]: one["version"] for one in model.get("aliases", ())}

    def _versions(self, name: str) -> Iterator[Json]:
        """Yield the versions that unweave made, with their tags."""
        page: dict[str, Any] = {"filter": f"name='{name}'", "max_results": AT_ONCE}
        while True:
            found = self._ask("GET", "model-versions/search", page) or {}
            for one in found.get("model_versions", ()):
                if MODEL in _tags(one):
                    yield {"version": one["version"], "tags": _tags(one)}
            if not found.get("next_page_token"):
                return
            page = {**page, "page_token": found["next_page_token"]}

    def _make_version(self, name: str, wanted: Json) -> Json:
        body = {"name": name, "source": wanted["source"], "tags": _pairs(wanted["tags"])}
        made = self._ask("POST", "model-versions/create", body) or {}
        return {"version": made["model_version"]["version"], "tags": wanted["tags"]}

    def _tag(self, name: str, version: Json, tags: Mapping[str, str]) -> None:
        """Set the tags that differ, and take away ours that are over: a commitment to rows, say."""
        named = {"name": name, "version": version["version"]}
        for key, value in tags.items():
            if version["tags"].get(key) != value:
                self._ask("POST", "model-versions/set-tag", {**named, "key": key, "value": value})
        for key in version["tags"].keys() - tags.keys():
            if key.startswith("unweave."):
                self._ask("DELETE", "model-versions/delete-tag", {**named, "key": key})

    def _move(self, name: str, now: Mapping[str, str], wanted: Mapping[str, str]) -> int:
        """Move aliases; one of ours that stands on nothing any more is taken away."""
        moved = 0
        for alias, version in wanted.items():
            if now.get(alias) != version:
                body = {"name": name, "alias": alias, "version": version}
                self._ask("POST", "registered-models/alias", body)
                moved += 1
        if not wanted and LIVE in now:
            self._ask("DELETE", "registered-models/alias", {"name": name, "alias": LIVE})
            moved += 1
        return moved

    def _ask(self, method: str, what: str, body: Json, *, absent: bool = False) -> Json | None:
        """Call the server; with `absent`, None for what it does not have."""
        query = f"?{urlencode(body)}" if method == "GET" else ""
        headers = {"Content-Type": "application/json"}
        if self.authorization is not None:
            headers["Authorization"] = self.authorization
        request = Request(
            f"{self.address}{API}{what}{query}",
            data=None if method == "GET" else json.dumps(body).encode(),
            headers=headers,
            method=method,
        )
        try:
            with urlopen(request, timeout=SECONDS) as answer:
                found: Json = json.load(answer)
                return found
        except HTTPError as error:
            code = _code(error)
            if absent and code == ABSENT:
                return None
            raise BadInput(f"The MLflow server refused {what}: {error.code}, {code}.") from None
        except (OSError, HTTPException, ValueError):
            raise BadInput(
                f"No MLflow server answers at {self.address}: is it running, and is that its own "
                f"address, as in http://127.0.0.1:5000?"
            ) from None


def mlflow_server(address: str, environment: Mapping[str, str]) -> MlflowServer:
    """Return the server of an address, asked as the variables of MLflow's client say.

    Raises BadInput for what is no address of one, or has a password in it.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise BadInput(
            f"The address of an MLflow server is http://HOST:PORT or https://HOST, without a name "
            f"or password in it: those are read from {USER}, {PASSWORD} or {TOKEN}."
        )
    authorization = None
    if TOKEN in environment:
        authorization = f"Bearer {environment[TOKEN]}"
    elif USER in environment:
        credentials = f"{environment[USER]}:{environment.get(PASSWORD, '')}"
        authorization = f"Basic {base64.b64encode(credentials.encode()).decode()}"
    return MlflowServer(address.rstrip("/"), authorization)


def _pairs(tags: Mapping[str, str]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _tags(entry: Json) -> dict[str, str]:
    return {one["key"]: one["value"] for one in entry.get("tags", ())}


def _code(error: HTTPError) -> str:
    """Return MLflow's name of an error; its words may be anybody's."""
    try:
        code = json.load(error).get("error_code", "")
    except (ValueError, AttributeError, OSError):
        return "no reason given"
    return code if isinstance(code, str) and code.isidentifier() else "no reason given"
