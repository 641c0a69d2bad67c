"""Requests that schemathesis leaves out for infra/check_service.py."""

import schemathesis


@schemathesis.hook
def filter_query(context, query):
    """An empty parameter counts as absent, which no schema of a parameter says."""
    return "" not in (query or {}).values()


@schemathesis.hook
def filter_case(context, case):
    """The same for requests that are not drawn at random."""
    return "" not in (case.query or {}).values()
