"""The results of a run as text: JUnit XML, Markdown, annotations for GitHub Actions, a terminal."""
