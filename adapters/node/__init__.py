"""Adapters whose programs are JavaScript: a process that runs them in Node, and the npm packages that it needs."""
