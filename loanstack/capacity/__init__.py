"""The highest rate that keeps every promise: searched, confirmed, and the resource named that ran out."""
