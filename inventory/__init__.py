"""The inventory: what is deployed, validated, loaded, broken on purpose and judged."""
