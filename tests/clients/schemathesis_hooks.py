"""What schemathesis can't know: what texts of our formats look like, and which refusals of a well-formed request speak of
the state of things or of members that only together are wrong. No schema can say these; every other one is a fault."""

import datetime

import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode

EMAILS = "abcdefghijklmnopqrstuvwxyzäéßø"
FUTURE = datetime.datetime(2100, 1, 1, tzinfo=datetime.timezone.utc)

schemathesis.openapi.format("username", st.text(EMAILS, min_size=3, max_size=32))
schemathesis.openapi.format("identifier", st.from_regex(r"[a-z][a-z0-9]{2,12}(@[a-z]{2,12}\.example)?", fullmatch=True))
schemathesis.openapi.format("printable-text", st.text(EMAILS, min_size=1, max_size=64))
schemathesis.openapi.format("ip-network", st.sampled_from(["203.0.113.7", "198.51.100.0/24", "2001:db8::/32"]))
schemathesis.openapi.format("email", st.from_regex(r"[a-z][a-z0-9]{2,12}@[a-z]{2,12}\.example", fullmatch=True))
# The one moment that callers send is the end of a key: what has ended can't be made.
schemathesis.openapi.format(
    "date-time", st.integers(0, 10**8).map(lambda seconds: (FUTURE + datetime.timedelta(seconds=seconds)).isoformat())
)



def whole(value):
    """JSON Schema calls 5.0 an integer; nobody writes one so, and it is read strictly here: no number is coerced."""
    if isinstance(value, dict):
        return {name: whole(member) for name, member in value.items()}
    if isinstance(value, list):
        return [whole(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schemathesis.hook
def map_body(ctx, body):
    return whole(body)


STATE = {
    "invalid_code",  # a code that nobody was mailed
    "invalid_invitation",
    "invalid_grant",  # nobody's password or refresh token
    "invalid_target",  # an application that nobody registered
    "invalid_scope",  # scopes that the account hasn't, or beside a refresh token
}
FIELDS = {
    ("/email", "required"),  # neither an address nor a user name
    ("/password", "password_single_character"),
    ("/password", "password_contains_identifier"),
    ("/remember_me", "not_applicable"),  # beside `tokens`
    ("/resource", "not_applicable"),  # beside a session
    ("/permissions", "unknown_permission"),
    ("/slug", "invalid_slug"),  # reserved
    ("/expires_at", "in_the_past"),
    ("/text", "unsuitable_key"),  # can be guessed, or looks like one of ours
    ("/text", "text_or_sha256"),  # both, or neither
}
# What a grant needs depends on the grant; unknown parameters are ignored, but none may come twice (RFC 6749 §3.2).
FORMS = ("username and password are needed", "refresh_token is needed", "this parameter must come once")


def is_expected(problem):
    if errors := problem.get("errors"):
        places = {(f"/{error['field'].split('/')[1]}", error["code"]) for error in errors if "/" in error["field"]}
        return len(places) > 0 and places <= FIELDS
    if problem.get("error") == "invalid_request":
        return problem["error_description"].endswith(FORMS)
    return (problem.get("code") or problem.get("error")) in STATE


@schemathesis.check
def refuses_nothing_valid(ctx, response, case):
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    if response.status_code in (400, 413, 415, 422):
        problem = response.json()
        assert is_expected(problem), f"a valid request was refused: {problem}"
