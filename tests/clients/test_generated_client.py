"""A client made of the document by openapi-python-client, calling the server that the document is of."""

import datetime
import importlib
import os
import subprocess
import sys
import tempfile
import unittest
import uuid

import requests

from server import Server

PASSWORD = "correct-horse-battery-staple-9"


class GeneratedClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        home = tempfile.TemporaryDirectory(prefix="portcullis-generated-")
        cls.addClassCleanup(home.cleanup)
        # One way in: the client then sends one credential.
        answer = requests.get(f"{cls.server.url}/openapi.json?scheme=bearer", timeout=20)
        document = os.path.join(home.name, "openapi.json")
        with open(document, "w", encoding="utf-8") as file:
            file.write(answer.text)
        config = os.path.join(home.name, "config.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("post_hooks: []\n")
        made = subprocess.run(
            [sys.executable, "-m", "openapi_python_client", "generate", "--path", document, "--config", config]
            + ["--meta", "none", "--output-path", os.path.join(home.name, "portcullis_client"), "--fail-on-warning"],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        sys.path.insert(0, home.name)
        cls.addClassCleanup(sys.path.remove, home.name)
        cls.package = importlib.import_module("portcullis_client")
        cls.models = importlib.import_module("portcullis_client.models")
        cls.anybody = cls.package.Client(base_url=cls.server.url)
        # The set-up token works once.
        account = cls.models.SetUp(token=cls.server.setup_token, email="admin@example.com", password=PASSWORD)
        made = cls.call("account", "set_up", cls.anybody, body=account)
        assert made.status_code == 201, made

    @classmethod
    def call(cls, tag, operation, client, *path, **arguments):
        """Calls an operation by its name in the document."""
        module = importlib.import_module(f"portcullis_client.api.{tag}.{operation}")
        return module.sync_detailed(*path, client=client, **arguments)

    def log_in(self, identifier):
        answer = self.call(
            "session", "log_in", self.anybody, body=self.models.Login(identifier=identifier, password=PASSWORD)
        )
        self.assertEqual(answer.status_code, 200, answer)
        self.assertIsInstance(answer.parsed, self.models.TokenResponse)
        return self.package.AuthenticatedClient(base_url=self.server.url, token=answer.parsed.access_token)

    def register(self, email):
        form = self.models.Register(email=email, password=PASSWORD)
        answer = self.call("account", "register_account", self.anybody, body=form)
        self.assertEqual(answer.status_code, 201, answer)
        return answer.parsed

    def test_refusals_are_problems(self):
        stranger = self.package.AuthenticatedClient(base_url=self.server.url, token="nobody")
        answer = self.call("account", "get_me", stranger)
        self.assertEqual((answer.status_code, answer.parsed.code), (401, "invalid_token"))
        self.assertIsInstance(answer.parsed, self.models.Problem)
        form = self.models.Register(email="no address", password="short")
        answer = self.call("account", "register_account", self.anybody, body=form)
        self.assertEqual(answer.status_code, 422)
        self.assertIn("/email", [error.field for error in answer.parsed.errors])
        form = self.models.TokenForm(grant_type=self.models.GrantType.PASSWORD, username="nobody", password=PASSWORD)
        answer = self.call("token", "issue_token", self.anybody, body=form)
        self.assertEqual((answer.status_code, answer.parsed.error), (400, "invalid_grant"))

    def test_a_person_logs_in_and_reads_types_of_their_own(self):
        account = self.register("anna@example.com")
        self.assertIsInstance(account.id, uuid.UUID)
        self.assertIsInstance(account.created_at, datetime.datetime)
        anna = self.log_in("anna@example.com")
        me = self.call("account", "get_me", anna).parsed
        self.assertEqual((me.id, me.email), (account.id, "anna@example.com"))
        sessions = self.call("session", "list_sessions", anna).parsed
        self.assertEqual([session.current for session in sessions.items], [True])
        session = self.call("session", "log_in", self.anybody, body=self.models.Login(
            identifier="anna@example.com", password=PASSWORD, delivery=self.models.Delivery.SESSION
        )).parsed
        self.assertIsInstance(session, self.models.SessionResponse)

    def test_forms_and_published_documents_are_read(self):
        self.register("form@example.com")
        form = self.models.TokenForm(
            grant_type=self.models.GrantType.PASSWORD, username="form@example.com", password=PASSWORD
        )
        tokens = self.call("token", "issue_token", self.anybody, body=form).parsed
        client = self.package.AuthenticatedClient(base_url=self.server.url, token=tokens.access_token)
        self.assertEqual(self.call("account", "get_me", client).status_code, 200)
        keys = self.call("discovery", "get_jwks", self.anybody).parsed.keys
        self.assertTrue(all(key.kid and key.alg for key in keys))
        metadata = self.call("discovery", "get_authorization_server_metadata", self.anybody).parsed
        self.assertEqual(metadata.issuer.rstrip("/"), self.server.url)
        revoked = self.call(
            "token", "revoke_token", self.anybody, body=self.models.RevokeForm(token=tokens.refresh_token)
        )
        self.assertEqual(revoked.status_code, 200)
        self.assertEqual(self.call("account", "get_me", client).status_code, 401)

    def test_keys_and_organizations_come_and_go(self):
        self.register("owner@example.com")
        owner = self.log_in("owner@example.com")
        made = self.call("organization", "create_organization", owner, body=self.models.NewOrganization(
            name="Acme", slug="acme"
        ))
        self.assertEqual(made.status_code, 201, made)
        members = self.call("organization", "list_members", owner, "acme", limit=10).parsed
        self.assertEqual([member.email for member in members.items], ["owner@example.com"])
        key = self.call("api_key", "create_api_key", owner, body=self.models.NewKey(name="ci", permissions=[])).parsed
        self.assertTrue(key.key.startswith("pk_"))
        found = self.call("api_key", "get_api_key", owner, key.id).parsed
        self.assertEqual((found.id, found.name), (key.id, "ci"))
        self.assertEqual(self.call("api_key", "revoke_api_key", owner, key.id).status_code, 204)

    def test_an_explanation_without_parts_is_read(self):
        self.register("curious@example.com")
        refused = self.call("admin", "list_accounts", self.log_in("curious@example.com"))
        self.assertEqual((refused.status_code, refused.parsed.code), (403, "missing_permission"))
        admin = self.log_in("admin@example.com")
        decision = self.call("admin", "get_decision", admin, refused.parsed.trace_id).parsed
        self.assertEqual((decision.explanation.holds, decision.explanation.parts), (False, []))


if __name__ == "__main__":
    unittest.main()
