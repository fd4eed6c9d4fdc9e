"""Images: files and arrays decoded, converted to upright BGR, and encoded."""
