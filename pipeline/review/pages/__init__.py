"""What people see and do, a module a noun."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from pipeline.review.pages import (
    account,
    batches,
    beside,
    custody,
    items,
    people,
    provider,
    queues,
    second_reviews,
    sign_in,
)

router = APIRouter(default_response_class=HTMLResponse)
for module in (sign_in, provider, account, queues, second_reviews, items, beside, custody, batches, people):
    router.include_router(module.router)
