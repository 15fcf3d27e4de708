"""A run as text for other tools: JUnit XML, Markdown, annotations of GitHub Actions, a terminal."""
