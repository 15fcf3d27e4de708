"""One module a framework, and what several of them share."""
