"""The morning digest: what came in, what is urgent, what rises; one page that needs nothing else to be read."""

from pipeline.digest.drift import Drift, Period, measure
from pipeline.digest.figures import Digest, Rise, gather
from pipeline.digest.page import as_html, as_markdown, as_values

__all__ = ["Digest", "Drift", "Period", "Rise", "as_html", "as_markdown", "as_values", "gather", "measure"]
