"""Clean-up of URLs, HTML, dates and characters. Knows nothing of documents or feeds."""
