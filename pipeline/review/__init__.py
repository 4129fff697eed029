"""The review page: what monitors submit, what reviewers decide, in a browser and without the internet."""

from pipeline.review.app import create_app

__all__ = ["create_app"]
