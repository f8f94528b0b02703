"""A token for the Rays that tests start themselves, as a user has one for a cluster."""

from __future__ import annotations

import os
import secrets

from docmatix.driver.ray_cluster import reload_authentication


def set_ray_token() -> None:
    """Have every Ray that this process or its children start or join from here on share one new token."""
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    reload_authentication()
