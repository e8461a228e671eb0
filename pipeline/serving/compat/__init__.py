"""Private APIs of the web server. Nothing else in pipeline uses any."""
