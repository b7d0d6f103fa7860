"""The same small JSON behind FastAPI's own security tools, as its documentation shows them."""

import secrets
import socket
import sys
import time
from typing import Annotated

import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

SECRET = secrets.token_bytes(32)
KEY = secrets.token_urlsafe(32)
app = FastAPI()
bearer = HTTPBearer()
key_header = APIKeyHeader(name="X-API-Key")


def caller(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> dict:
    try:
        claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error
    if "things:read" not in claims["permissions"]:
        raise HTTPException(403)
    return claims


def key(given: Annotated[str, Security(key_header)]) -> None:
    if not secrets.compare_digest(given, KEY):
        raise HTTPException(401)


@app.get("/jwt")
async def by_jwt(_: Annotated[dict, Depends(caller)]):
    return {"id": 42, "name": "a small thing", "done": False}


@app.get("/key")
async def by_key(_: Annotated[None, Depends(key)]):
    return {"id": 42, "name": "a small thing", "done": False}


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
address, port = listener.getsockname()
if sys.argv[1] == "JWT":
    claims = {"sub": "anna", "exp": int(time.time()) + 3600, "permissions": ["things:read"]}
    path, header = "/jwt", f"Authorization: Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"
else:
    path, header = "/key", f"X-API-Key: {KEY}"
request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n"
print(f"{address}:{port}\n{request.encode().hex()}", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False)).run(sockets=[listener])
