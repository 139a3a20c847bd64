"""Output without a screen: lines, documents, pictures as files, and a page for Prometheus."""
