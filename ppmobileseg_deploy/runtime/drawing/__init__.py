"""Drawing: overlays, contours, name tags and legends, windows and notebooks."""
