"""Emails as a mail server and a mail reader of somebody else's take them."""

import email
import email.policy
import queue
import re
import socket
import unittest

import requests
from aiosmtpd.controller import Controller

from server import Server

PASSWORD = "correct-horse-battery-staple-9"
SECONDS = 20


class Inbox:
    """Keeps what the mail server takes."""

    def __init__(self):
        self.emails = queue.SimpleQueue()

    async def handle_DATA(self, server, session, envelope):
        self.emails.put((session.host_name, envelope))
        return "250 kept"


class Emails(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.inbox = Inbox()
        # It connects to the port that it is given: a free one is found before.
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        cls.relay = Controller(cls.inbox, hostname="127.0.0.1", port=port, enable_SMTPUTF8=True)
        cls.relay.start()
        cls.addClassCleanup(cls.relay.stop)
        cls.server = Server(
            PORTCULLIS_MAIL_SMTP=f"smtp+plain://127.0.0.1:{port}",
            PORTCULLIS_MAIL_FROM="Portcullis <no-reply@bücher.example>",
        )
        cls.addClassCleanup(cls.server.stop)

    def register(self, address):
        answer = requests.post(
            f"{self.server.url}/auth/register", json={"email": address, "password": PASSWORD}, timeout=SECONDS
        )
        self.assertEqual(answer.status_code, 201, answer.text)
        return self.inbox.emails.get(timeout=SECONDS)

    def test_an_email_has_what_mail_systems_ask_for_and_its_link_is_whole(self):
        name, envelope = self.register("max@müller.example")
        self.assertEqual(name, "[127.0.0.1]")
        self.assertEqual(envelope.rcpt_tos, ["max@xn--mller-kva.example"])
        self.assertNotIn("SMTPUTF8", envelope.mail_options)
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        self.assertEqual(message.get_all("MIME-Version"), ["1.0"])
        self.assertEqual(len(message.get_all("Date")), 1)
        self.assertEqual(len(message.get_all("Message-ID")), 1)
        self.assertRegex(message["Message-ID"], r"^<[0-9a-f]{32}@xn--bcher-kva\.example>$")
        self.assertEqual(message["To"].addresses[0].addr_spec, "max@xn--mller-kva.example")
        self.assertEqual(message.get_content_type(), "multipart/alternative")
        self.assertEqual(
            [part.get_content_type() for part in message.iter_parts()], ["text/plain", "text/html"]
        )
        text = message.get_body(("plain",)).get_content()
        link = re.search(rf"^ *({re.escape(self.server.url)}/\S+)\s*$", text, re.MULTILINE).group(1)
        self.assertIn(link.encode(), envelope.original_content, "readable without decoding")
        self.assertIn(f'href="{link}"', message.get_body(("html",)).get_content())
        self.assertEqual(requests.get(link, timeout=SECONDS).status_code, 200)

    def test_each_email_has_an_id_of_its_own(self):
        ids = set()
        for number in range(3):
            _, envelope = self.register(f"person{number}@example.com")
            ids.add(email.message_from_bytes(envelope.original_content)["Message-ID"])
        self.assertEqual(len(ids), 3)

    def test_only_a_local_part_beyond_ascii_asks_for_smtputf8(self):
        _, envelope = self.register("tëst@example.com")
        self.assertIn("SMTPUTF8", envelope.mail_options)
        self.assertEqual(envelope.rcpt_tos, ["tëst@example.com"])


if __name__ == "__main__":
    unittest.main()
