"""Endpoints: what the server answers to, under the names that faults and the request log use."""

from __future__ import annotations

PREFIX = "/api/v1"

#: Method and path of each endpoint, by its name.
PATHS = {
    "execute_sql": ("POST", "/sql/execute"),
    "execute_query": ("POST", "/query/{query_id}/execute"),
    "execute_pipeline": ("POST", "/query/{query_id}/pipeline/execute"),
    "execute_plan": ("POST", "/pipelines/execute"),
    "status": ("GET", "/execution/{execution_id}/status"),
    "results": ("GET", "/execution/{execution_id}/results"),
    "results_csv": ("GET", "/execution/{execution_id}/results/csv"),
    "cancel": ("POST", "/execution/{execution_id}/cancel"),
    "latest": ("GET", "/query/{query_id}/results"),
    "latest_csv": ("GET", "/query/{query_id}/results/csv"),
    "query": ("GET", "/query/{query_id}"),
    "pipeline": ("GET", "/query/{query_id}/pipeline"),
    "pipeline_status": ("GET", "/pipelines/executions/{pipeline_execution_id}/status"),
    "usage": ("POST", "/usage"),
}

#: Those that start runs; a plan allows fewer of them.
STARTS_RUNS = frozenset({"execute_sql", "execute_query", "execute_pipeline", "execute_plan"})

#: The name of whatever is none of these.
UNKNOWN = "unknown"

#: What Dune has and the embedded Dune has not, with the status of its refusal: the first of 403,
#: 404 and 400 that Dune's OpenAPI document lists for the endpoint.
NOT_SERVED = {
    ("GET", "/datasets"): 403,
    ("GET", "/datasets/{slug}"): 403,
    ("GET", "/endpoints/{handle}/{endpoint_slug}/results"): 403,
    ("GET", "/materialized-views"): 400,
    ("POST", "/materialized-views"): 404,
    ("GET", "/materialized-views/{name}"): 403,
    ("DELETE", "/materialized-views/{name}"): 403,
    ("POST", "/materialized-views/{name}/refresh"): 404,
    ("GET", "/queries"): 400,
    ("POST", "/query"): 403,
    ("PATCH", "/query/{query_id}"): 403,
    ("POST", "/query/{query_id}/archive"): 403,
    ("POST", "/query/{query_id}/private"): 403,
    ("POST", "/query/{query_id}/unarchive"): 403,
    ("POST", "/query/{query_id}/unprivate"): 403,
    ("GET", "/uploads"): 400,
    ("POST", "/uploads"): 404,
    ("POST", "/uploads/csv"): 400,
    ("DELETE", "/uploads/{namespace}/{table_name}"): 404,
    ("POST", "/uploads/{namespace}/{table_name}/clear"): 404,
    ("POST", "/uploads/{namespace}/{table_name}/insert"): 404,
}
