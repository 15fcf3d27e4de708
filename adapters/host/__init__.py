"""The process that an adapter runs in: its server, its client, and their messages."""
