"""Paths by which a client tries to walk out of the API into the portal's inner pages.

Two programs read a path one after the other: nginx, and the Java container of the portal. A container drops
`;...` from each segment and resolves `..` afterwards; both decode `%2e`. What one of them reads as harmless
is then another page to the other.
"""

HOSTILE_PATHS = (
    # Path parameters.
    "/v1/..;/..;/metrics",
    "/v1/..;/..;/data-source",
    "/v1/..;x/..;x/metrics",
    "/v1/.;/..;/..;/metrics",
    "/v1/..;/..;/..;/",
    "/api/v1/..;/..;/metrics",
    "/api/v1/..;/..;/WEB-INF/web.xml",
    "/v1/%2e%2e;/%2e%2e;/metrics",
    "/v1/..;jsessionid=1/..;jsessionid=1/data-source",
    "/v1;/..;/metrics",
    "/;/v1/products",
    "/v1/products;",
    "/bo.html;/../metrics",
    # The semicolon, the dots and the slashes as escapes, once and twice.
    "/v1/..%3b/..%3b/metrics",
    "/v1/%2e%2e%3b/%2e%2e%3b/metrics",
    "/v1/..%253b/..%253b/metrics",
    "/v1/%252e%252e/%252e%252e/metrics",
    "/v1/..%2f..%2fmetrics",
    "/v1/..%252f..%252fmetrics",
    "/v1/%c0%ae%c0%ae/%c0%ae%c0%ae/metrics",
    "/v1/%2e%2e/%2e%2e/metrics",
    "/v1/../../metrics",
    "/v1/../portal/metrics",
    "/v1/../v1/products",
    "/v1/./products",
    "/v1//products",
    # Backslashes.
    "/v1/..\\..\\metrics",
    "/v1/..%5c..%5cmetrics",
    "/v1\\..\\metrics",
    # Ends that one program cuts off.
    "/bo.html%0a",
    "/bo.html%0d%0aX-Forwarded-For:",
    "/v1/products%00",
    "/v1/products%20",
    "/metrics%00.html",
    "/metrics%3f.html",
    "/metrics%23.css",
    "/metrics#/v1/products",
    # Plain names of inner pages.
    "/metrics",
    "/data-source",
    "/portal/metrics",
    "/portal/data-source",
    "/WEB-INF/web.xml",
    "/readyz",
    "/api/readyz",
    "/v2/products",
    "/v1",
    "/api/v1",
)
REFUSED = (400, 404)
"""How a gateway refuses them: 400 where the request itself is no HTTP, as with a NUL in its path."""
