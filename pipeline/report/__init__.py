"""HTML pages: a report per run, and the history of a workspace. Each page is one file."""
