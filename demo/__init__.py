"""The demo model: drawn scenes, and the network trained on them."""
