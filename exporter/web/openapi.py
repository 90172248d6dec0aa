"""The description of the HTTP interface, in OpenAPI 3.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.web.status_schema import STATUS

if TYPE_CHECKING:
    from collections.abc import Sequence


def _text(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}


def _get(
    identifier: str, summary: str, responses: dict[str, Any], parameters: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    asked = {"parameters": list(parameters)} if parameters else {}
    return {"get": {"operationId": identifier, "summary": summary, **asked, "responses": responses}}


def document(version: str) -> dict[str, Any]:
    """The content of `/api/v1/openapi.json`."""
    healthy = {"200": _text("The process answers.")}
    ready = {"200": _text("Every collector has run once."), "503": _text("Not yet, and why; a reason a line.")}
    reload = {
        "200": _text("The new configuration is in force."),
        "403": _text("Not enabled: start with --web.enable-lifecycle."),
        "500": _text("The file has these faults; the old configuration stays in force."),
    }
    exposition = {
        "description": "The exposition; compressed if the client accepts gzip.",
        "content": {
            "text/plain; version=0.0.4": {"schema": {"type": "string"}},
            "application/openmetrics-text; version=1.0.0": {"schema": {"type": "string"}},
        },
    }
    status = {"description": "The report.", "content": {"application/json": {"schema": STATUS}}}
    whole = {
        "description": "The report as `check`, `explain` and `repair` with `--from` read it. It changes with the"
        " exporter's version (`form`), so programs read /api/v1/status.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
    config = {
        "description": "The configuration in force, secrets masked.",
        "content": {
            "application/yaml": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object"}},
        },
    }
    page = {
        "description": "The report for people; compressed if the client accepts gzip, with an ETag.",
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
    runbook = {
        "description": "The runbook for people, with the values of an alert.",
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
    there = {"description": "The logs at the time of the fault; `Location` has their address."}
    unknown = _text("There is no such runbook, pipeline, phase, processor, check or date; the text says what there is.")
    labels = [
        {"name": label, "in": "query", "schema": {"type": "string"}, "description": "The alert's label."}
        for label in ("pipeline", "phase", "run_date", "processor", "check")
    ]
    named = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    same = {"description": "The page with the ETag in If-None-Match is still the newest."}
    return {
        "openapi": "3.1.0",
        "info": {"title": "orchestration-exporter", "version": version, "license": {"name": "Apache-2.0"}},
        "paths": {
            "/": _get("page", "The status page", {"200": page, "304": same}),
            "/runbooks/": _get("runbooks", "The overview of the runbooks", {"200": runbook}),
            "/runbooks/{name}": _get("runbook", "A runbook", {"200": runbook, "404": unknown}, [named, *labels]),
            "/logs": _get("logs", "The way to a processor's logs", {"307": there, "404": unknown}, labels),
            "/metrics": _get("metrics", "The metrics", {"200": exposition}),
            "/-/healthy": _get("healthy", "Liveness", healthy),
            "/healthz": _get("healthz", "Liveness, by the name that Kubernetes uses", healthy),
            "/-/ready": _get("ready", "Readiness", ready),
            "/readyz": _get("readyz", "Readiness, by the name that Kubernetes uses", ready),
            "/-/reload": {
                "post": {"operationId": "reload", "summary": "Read the configuration again", "responses": reload},
                "put": {"operationId": "reloadPut", "summary": "Read the configuration again", "responses": reload},
            },
            "/api/v1/status": _get("status", "The report", {"200": status}),
            "/api/v1/report": _get("report", "The whole report, for commands with --from", {"200": whole}),
            "/api/v1/config": _get("config", "The configuration in force", {"200": config}),
            "/api/v1/openapi.json": _get(
                "openapi",
                "This description",
                {
                    "200": {
                        "description": "This document.",
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    }
                },
            ),
        },
    }
