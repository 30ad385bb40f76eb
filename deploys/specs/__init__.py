"""Settings of each component on one host, computed from the inventory. Pure: no host is contacted."""
