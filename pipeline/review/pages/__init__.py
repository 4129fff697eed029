"""What people see and do, a module a noun."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from pipeline.review.pages import batches, custody, items, people, queues, sign_in

router = APIRouter(default_response_class=HTMLResponse)
for module in (sign_in, queues, items, custody, batches, people):
    router.include_router(module.router)
