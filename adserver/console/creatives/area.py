"""The creatives' pages, REST calls and menu entries.

Never here: what a path does. The one surprising fact: paths with words (new, files, bulk) stand
before the path of one creative, which would take them for an id.
"""

from typing import Any

from adserver.accounts.identity import Role
from adserver.console.creatives import (
    bulk_pages,
    creative_pages,
    endpoints,
    library_pages,
    review_pages,
)
from adserver.console.creatives.answers import (
    BulkOut,
    CreativeChange,
    CreativeOut,
    FileOut,
    NewCreative,
    ReviewOut,
    VerdictIn,
    WaitingOut,
)
from adserver.console.web.language import N_
from adserver.console.web.routes import OPERATORS, Area, Endpoint, MenuEntry, Page
from adserver.media.limits import LARGEST_FILE_BYTES, MB, MOST_UPLOAD_BYTES

BASE = "/advertisers/{advertiser_id}/creatives"
ONE = f"{BASE}/{{creative_id}}"
HOUSE = f"{review_pages.PATH}/{{creative_id}}"
API = f"/api/v1{BASE}"
API_ONE = f"/api/v1{ONE}"
API_FILES = "/api/v1/advertisers/{advertiser_id}/files"

PAGES = (
    Page("GET", BASE, creative_pages.index),
    Page("GET", f"{BASE}/files", library_pages.page),
    Page("POST", f"{BASE}/files", library_pages.take, upload_bytes=MOST_UPLOAD_BYTES),
    Page("GET", f"{BASE}/bulk", bulk_pages.page),
    Page("POST", f"{BASE}/bulk", bulk_pages.take, upload_bytes=MOST_UPLOAD_BYTES),
    Page("GET", f"{BASE}/example.csv", bulk_pages.example),
    Page("GET", f"{BASE}/new", creative_pages.new),
    Page("POST", f"{BASE}/new", creative_pages.make),
    Page("GET", ONE, creative_pages.show),
    Page("GET", f"{ONE}/edit", creative_pages.edit),
    Page("POST", f"{ONE}/edit", creative_pages.change),
    Page("POST", f"{ONE}/archive", creative_pages.archive),
    Page("POST", f"{ONE}/restore", creative_pages.restore),
    Page("GET", review_pages.PATH, review_pages.queue, OPERATORS),
    Page("GET", HOUSE, review_pages.show, OPERATORS),
    Page("POST", f"{HOUSE}/approve", review_pages.approve, OPERATORS),
    Page("POST", f"{HOUSE}/reject", review_pages.reject, OPERATORS),
)
_FILTERS: dict[str, tuple[dict[str, Any], str]] = {
    "line_item_id": ({"type": "string", "maxLength": 64}, "Only of this line item."),
    "review": (
        {"type": "string", "enum": ["pending", "approved", "rejected"]},
        "Only in this state.",
    ),
}
ENDPOINTS = (
    Endpoint(
        "GET", API_FILES, "Files of the library", endpoints.list_files, answer=FileOut, listed=True
    ),
    Endpoint(
        "POST", API_FILES, "Upload a picture or film (multipart, part file)", endpoints.add_file,
        answer=FileOut, status=201, upload_bytes=LARGEST_FILE_BYTES + MB,
    ),
    Endpoint(
        "GET", f"{API_FILES}/{{sha256}}", "One file", endpoints.get_file, answer=FileOut
    ),
    Endpoint(
        "GET", API, "Creatives", endpoints.list_creatives, answer=CreativeOut, listed=True,
        query=_FILTERS,
    ),
    Endpoint(
        "POST", API, "Hand in a creative", endpoints.add_creative, body=NewCreative,
        answer=CreativeOut, status=201,
    ),
    Endpoint(
        "POST", f"{API}/bulk", "Hand in many: a ZIP with a CSV (multipart, part archive)",
        endpoints.add_bulk, answer=BulkOut, status=201, upload_bytes=MOST_UPLOAD_BYTES,
    ),
    Endpoint("GET", API_ONE, "One creative", endpoints.get_creative, answer=CreativeOut),
    Endpoint(
        "PATCH", API_ONE, "Change a creative", endpoints.change_creative, body=CreativeChange,
        answer=CreativeOut,
    ),
    Endpoint(
        "POST", f"{API_ONE}/archive", "Show it no more", endpoints.archive_creative,
        answer=CreativeOut,
    ),
    Endpoint(
        "POST", f"{API_ONE}/restore", "Use it again", endpoints.restore_creative,
        answer=CreativeOut,
    ),
    Endpoint(
        "GET", f"{API_ONE}/reviews", "What was said of it", endpoints.list_reviews,
        answer=ReviewOut, listed=True,
    ),
    Endpoint(
        "GET", "/api/v1/house/reviews", "Creatives that wait for review", endpoints.list_waiting,
        OPERATORS, answer=WaitingOut, listed=True,
    ),
    Endpoint(
        "POST", "/api/v1/house/reviews/{creative_id}", "Approve or reject a creative",
        endpoints.add_verdict, OPERATORS, body=VerdictIn, answer=CreativeOut,
    ),
)  # fmt: skip
MENU = (
    MenuEntry(Role.ADVERTISER, "/advertisers/{owner}/creatives", N_("Creatives"), 30),
    MenuEntry(Role.OPERATOR, review_pages.PATH, N_("Review"), 20),
)
AREA = Area("creatives", PAGES, ENDPOINTS, MENU)
