"""`spaces serve`: summaries over HTTP, and a page for people.

`app` answers requests, `batching` puts the judgments of all of them together, `apart` reads
documents in processes of their own, `guard` sends what a browser needs to be safe. Nothing of a
judgment is logged or kept, and no request names a file.

The packages it needs are in the extra `service`.
"""
