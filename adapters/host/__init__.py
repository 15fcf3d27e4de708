"""The process that an adapter runs in: its server, the client, and what passes between them."""
