"""The password form and the refresh, as Authlib's OAuth 2 client speaks them."""

import itertools
import os
import unittest

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from server import Server

PASSWORD = "correct-horse-battery-staple-9"

# Authlib refuses to send credentials without TLS unless told that this is a test on loopback.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"


class PasswordGrant(unittest.TestCase):
    numbers = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        self.email = f"client{next(self.numbers)}@example.com"
        self.tokens = f"{self.server.url}/oauth/token"
        answer = requests.post(
            f"{self.server.url}/auth/register", json={"email": self.email, "password": PASSWORD}, timeout=20
        )
        self.assertEqual(answer.status_code, 201, answer.text)
        self.session = OAuth2Session(token_endpoint_auth_method="none")
        self.addCleanup(self.session.close)

    def log_in(self, password=PASSWORD):
        return self.session.fetch_token(
            self.tokens, grant_type="password", username=self.email, password=password
        )

    def me(self):
        return self.session.get(f"{self.server.url}/auth/me", timeout=20)

    def test_wrong_password_is_an_invalid_grant(self):
        with self.assertRaises(OAuthError) as refused:
            self.log_in("not-the-password-of-anybody")
        self.assertEqual(refused.exception.error, "invalid_grant")

    def test_call_without_a_token_is_refused(self):
        answer = requests.get(f"{self.server.url}/auth/me", timeout=20)
        self.assertEqual(answer.status_code, 401)

    def test_password_opens_a_protected_route(self):
        token = self.log_in()
        self.assertEqual(token["token_type"].lower(), "bearer")
        answer = self.me()
        self.assertEqual(answer.status_code, 200, answer.text)
        self.assertEqual(answer.json()["email"], self.email)

    def test_refresh_rotates(self):
        first = dict(self.log_in())
        second = dict(self.session.refresh_token(self.tokens, refresh_token=first["refresh_token"]))
        self.assertNotEqual(first["refresh_token"], second["refresh_token"])
        self.assertNotEqual(first["access_token"], second["access_token"])
        self.assertEqual(self.me().status_code, 200)

    def test_unknown_refresh_token_is_an_invalid_grant(self):
        self.log_in()
        with self.assertRaises(OAuthError) as refused:
            self.session.refresh_token(self.tokens, refresh_token="A" * 43)
        self.assertEqual(refused.exception.error, "invalid_grant")


if __name__ == "__main__":
    unittest.main()
