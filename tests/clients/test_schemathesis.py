"""What the document promises, tried by schemathesis: no valid request is refused, no invalid one is taken, and every answer is
one that the document knows. With a real administrator's token, against the document with one way in."""

import os
import subprocess
import sys
import unittest

import requests

from server import Server

PASSWORD = "correct-horse-battery-staple-9"
# What ends the session or the key of the token that asks comes last: behind it everything is 401. Ids that were seen in answers are used again.
ENDINGS = ["logOut", "logOutEverywhere", "endSession", "endAccountSessions", "withdrawSigningKey"]
SECONDS = 240


class Schemathesis(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        account = {"token": cls.server.setup_token, "email": "admin@example.com", "password": PASSWORD}
        answer = requests.post(f"{cls.server.url}/auth/setup", json=account, timeout=20)
        assert answer.status_code == 201, answer.text

    def run_against(self, *selection):
        form = {"identifier": "admin@example.com", "password": PASSWORD}
        tokens = requests.post(f"{self.server.url}/auth/login", json=form, timeout=20).json()
        command = [os.path.join(os.path.dirname(sys.executable), "schemathesis"), "run"]
        command += [f"{self.server.url}/openapi.json?scheme=bearer", "-H", f"Authorization: Bearer {tokens['access_token']}"]
        command += ["--generation-deterministic", "--max-examples", "6", "--phases", "examples,coverage,fuzzing"]
        # Replaced by `refuses_nothing_valid`, which looks at the reason and not at the status alone.
        command += ["--exclude-checks", "positive_data_acceptance", "--continue-on-failure", "--no-color", *selection]
        here = os.path.dirname(os.path.abspath(__file__))
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": here}
        done = subprocess.run(
            command, cwd=self.server.home, env=environment, capture_output=True, text=True, timeout=SECONDS
        )
        output = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, output)
        self.assertNotIn("internal error", self.server.log())
        return output

    def test_every_operation_keeps_to_the_document(self):
        output = self.run_against(*(argument for name in ENDINGS for argument in ("--exclude-operation-id", name)))
        # Else the token was lost on the way, and nothing behind it was tried.
        self.assertNotIn("401 Unauthorized (", output)

    def test_what_ends_the_session_keeps_to_it_too(self):
        for name in ENDINGS:
            with self.subTest(name):
                self.run_against("--include-operation-id", name)


if __name__ == "__main__":
    unittest.main()
