"""What each component needs on one host, computed from the inventory. Pure: no host is asked."""
